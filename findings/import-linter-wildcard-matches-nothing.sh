#!/usr/bin/env bash
# An import-linter contract whose wildcard matches no module is reported as kept.
#
# Versions:  import-linter 2.17 (grimp 3.20)
# Guess:     A contract names its modules. If one of them does not exist, say after a rename, lint-imports stops with
#            "Module ... does not exist", for a wildcard as for a plain name.
# Behaviour: Only the plain name is checked. A wildcard expression that matches nothing leaves the contract without
#            modules: it is KEPT, the exit code is 0, and the report looks the same as the day before.
# Matters:   Contracts with wildcards are those over a family of modules ("app.*.handlers must not import stores").
#            Whoever renames `handlers` to `commands` switches the rule off without a word. Have a test that each
#            pattern matches a module, or that one forbidden import breaks the contract.
# Seen:
#   shop.*.handlers, as the folder is called:    exit 1, rule BROKEN
#   shop.*.handlers, the folder is renamed:      exit 0, rule KEPT
#   shop.orders.handlers, the folder is renamed: exit 1, Module 'shop.orders.handlers' does not exist.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check import-linter==2.17 grimp==3.20
cd "$folder"
mkdir -p shop/orders/handlers shop/stores
touch shop/__init__.py shop/orders/__init__.py shop/stores/__init__.py
echo "import shop.stores" >shop/orders/handlers/__init__.py

lint() { # prints the exit code, and the line that tells why
  printf '%s\n' '[importlinter]' 'root_package = shop' '[importlinter:contract:1]' 'name = rule' 'type = forbidden' \
    "source_modules = $1" 'forbidden_modules = shop.stores' >.importlinter
  local code=0
  PYTHONPATH=. venv/bin/lint-imports --no-cache >out 2>&1 || code=$?
  echo "exit $code, $(grep -m 1 -E '^rule |does not exist' out)"
}
before=$(lint 'shop.*.handlers')
mv shop/orders/handlers shop/orders/commands
wildcard=$(lint 'shop.*.handlers')
plain=$(lint 'shop.orders.handlers')

echo "shop.*.handlers, as the folder is called:    $before"
echo "shop.*.handlers, the folder is renamed:      $wildcard"
echo "shop.orders.handlers, the folder is renamed: $plain"
[ "$before" = "exit 1, rule BROKEN" ]
[ "$wildcard" = "exit 0, rule KEPT" ]
[ "$plain" = "exit 1, Module 'shop.orders.handlers' does not exist." ]
