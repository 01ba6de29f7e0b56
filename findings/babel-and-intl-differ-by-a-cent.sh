#!/usr/bin/env bash
# Babel and a browser's Intl show the same amount with different cents.
#
# Versions:  Babel 2.19.0, and Intl as in Node 20 or later
# Guess:     Both format by the same data (CLDR), so a Decimal that is formatted on the server and the same decimal
#            string that is formatted in the browser give the same text.
# Behaviour: Of a half, Babel rounds to the even digit (unless the context of `decimal` says otherwise), and Intl away
#            from zero, as its specification says. Both get the exact decimal, so it is no matter of floats. With
#            decimal.localcontext(rounding=ROUND_HALF_UP), or roundingMode "halfEven" in Intl, they agree.
# Matters:   The mail says 2.12 and the page 2.13, for one unit price in twenty if prices have three decimals. Round by
#            one rule before formatting, so that formatting has nothing left to round.
# Seen:
#   amount            Babel       Intl        Babel, ROUND_HALF_UP   Intl, halfEven
#   2.125 EUR         €2.12       €2.13       €2.13                  €2.12
#   1.005 EUR         €1.00       €1.01       €1.01                  €1.00
#   -0.125 EUR        -€0.12      -€0.13      -€0.13                 -€0.12
#   2.5 JPY           ¥2          ¥3          ¥3                     ¥2
#   2.126 EUR         €2.13       €2.13       €2.13                  €2.13
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.19.0

cat >formatted.mjs <<'JAVASCRIPT'
const formatted = (currency, amount, more) =>
  new Intl.NumberFormat("en", { style: "currency", currency, ...more }).format(amount);
const rows = JSON.parse(process.argv[2]).map(([amount, currency]) => [
  formatted(currency, amount),
  formatted(currency, amount, { roundingMode: "halfEven" }),
]);
console.log(JSON.stringify(rows));
JAVASCRIPT

"$folder/venv/bin/python" - <<'PYTHON'
import json
import subprocess
from decimal import ROUND_HALF_UP, Decimal, localcontext

from babel.numbers import format_currency

AMOUNTS = [("2.125", "EUR"), ("1.005", "EUR"), ("-0.125", "EUR"), ("2.5", "JPY"), ("2.126", "EUR")]

output = subprocess.run(["node", "formatted.mjs", json.dumps(AMOUNTS)], capture_output=True, check=True).stdout
print(f"{'amount':17} {'Babel':11} {'Intl':11} {'Babel, ROUND_HALF_UP':22} Intl, halfEven")
seen = []
for (amount, currency), (intl, intl_even) in zip(AMOUNTS, json.loads(output), strict=True):
    babel = format_currency(Decimal(amount), currency, locale="en")
    with localcontext() as context:
        context.rounding = ROUND_HALF_UP
        babel_up = format_currency(Decimal(amount), currency, locale="en")
    print(f"{amount + ' ' + currency:17} {babel:11} {intl:11} {babel_up:22} {intl_even}")
    assert babel == intl_even and intl == babel_up, (amount, babel, intl, babel_up, intl_even)
    seen.append((babel, intl))
assert seen == [
    ("€2.12", "€2.13"),
    ("€1.00", "€1.01"),
    ("-€0.12", "-€0.13"),
    ("¥2", "¥3"),
    ("€2.13", "€2.13"),
], seen
PYTHON
