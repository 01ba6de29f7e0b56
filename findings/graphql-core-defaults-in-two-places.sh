#!/usr/bin/env bash
# In graphql-core 3.3, `default_value` of a schema that was built from SDL or introspection says there is no default.
#
# Versions:  graphql-core 3.3.2 against 3.2.14
# Guess:     An argument's or input field's `default_value` is its default, as in 3.2, however the schema came about: the
#            attribute is still there, without a deprecation warning.
# Behaviour: Where the schema was written in Python it is. In one from build_schema() or build_client_schema() it is
#            Undefined, which is what 3.2 says if there is none: there the default is in the new attribute `default`,
#            as a literal, and that is None for schemas written in Python. Execution and print_schema() know both.
# Matters:   Code generators, diffs, documentation and mocks read `default_value`. After the upgrade they lose every
#            default without an error, and only for the schemas that they usually get: files and introspection. Unit
#            tests with schemas written in Python stay green. Read both, or is_required_argument().
# Seen (n: Int! = 3):
#   3.2.14  written in Python: default_value 3         from SDL: default_value 3          executed with 3
#   3.3.2   written in Python: default_value 3         from SDL: default_value Undefined  executed with 3
#   3.3.2   default of the two: None and the literal 3; from introspection: default_value Undefined
#   3.3.2   warnings: none; printed: f(n: Int! = 3): Int
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/defaults.py" <<'PYTHON'
import sys
import warnings

import graphql as g

version, expected = sys.argv[1:]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    argument = g.GraphQLArgument(g.GraphQLNonNull(g.GraphQLInt), default_value=3)
    written = g.GraphQLSchema(g.GraphQLObjectType("Query", {"f": g.GraphQLField(g.GraphQLInt, {"n": argument})}))
    built = g.build_schema("type Query { f(n: Int! = 3): Int }")
    introspected = g.build_client_schema(g.introspection_from_schema(written))
    schemas = (written, built, introspected)
    arguments = [schema.query_type.fields["f"].args["n"] for schema in schemas]
    values = [argument.default_value for argument in arguments]
built.query_type.fields["f"].resolve = lambda _root, _info, n: n
executed = g.graphql_sync(built, "{ f }").data["f"]
written_value, built_value = (f"default_value {value}" for value in values[:2])
print(f"{version:7} written in Python: {written_value:23} from SDL: {built_value:24} executed with {executed}")
assert executed == 3
assert [str(value) for value in values] == ["3", expected, expected], values
if version == "3.3.2":
    literal = arguments[1].default.literal
    assert arguments[0].default is None
    assert g.print_ast(literal) == "3"
    assert not caught, caught
    printed = g.print_schema(built).splitlines()[1].strip()
    assert printed == "f(n: Int! = 3): Int", printed
    print(f"{version:7} default of the two: None and the literal 3; from introspection: default_value {values[2]}")
    print(f"{version:7} warnings: none; printed: {printed}")
PYTHON
for version in 3.2.14 3.3.2; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "graphql-core==$version"
done
"$folder/3.2.14/bin/python" "$folder/defaults.py" 3.2.14 3
"$folder/3.3.2/bin/python" "$folder/defaults.py" 3.3.2 Undefined
