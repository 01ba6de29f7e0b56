#!/usr/bin/env bash
# cattrs reads the string "false" as True, 19.99 as the int 19, and a string as a list of its letters.
#
# Versions:  cattrs 26.2.1, attrs 26.1.0, pydantic 2.14.4
# Guess:     structure() checks what it is given against the type. "false" for a bool is False or an error, 19.99 for an
#            int is an error, a string for a list[str] is an error, and so is None for a str.
# Behaviour: For bool, int, float and str it calls the type with the value: bool("false") is True, int(19.99) is 19,
#            str(None) is "None". For a list it goes through whatever can be gone through: "tea" gives three letters, a
#            dict its keys. The converter for JSON (cattrs.preconf.json) does the same, and none of it is an error.
# Matters:   Events and settings that come as strings (a CSV, an environment variable, a header) are paid, enabled and
#            deleted whatever they say, and a price in an int field loses its cents. Register hooks that check, with
#            register_structure_hook(bool, ...), or check before.
# Seen:
#   type        value         cattrs             pydantic
#   bool        'false'       True               False
#   bool        '0'           True               False
#   int         19.99         19                 ValidationError
#   str         None          'None'             ValidationError
#   list[str]   'tea'         ['t', 'e', 'a']    ValidationError
#   list[str]   {'tea': 1}    ['tea']            ValidationError
#   {"paid": "false"} as JSON of a class with `paid: bool`: Order(paid=True)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cattrs==26.2.1 attrs==26.1.0 pydantic==2.14.4

"$folder/venv/bin/python" - <<'PYTHON'
import cattrs
from attrs import define
from cattrs.preconf.json import make_converter
from pydantic import TypeAdapter, ValidationError


def by_pydantic(value, type):
    try:
        return repr(TypeAdapter(type).validate_python(value))
    except ValidationError as error:
        return error.__class__.__name__


@define
class Order:
    paid: bool


seen = []
print(f"{'type':11} {'value':13} {'cattrs':18} pydantic")
for type, value in (
    (bool, "false"),
    (bool, "0"),
    (int, 19.99),
    (str, None),
    (list[str], "tea"),
    (list[str], {"tea": 1}),
):
    name = str(type) if type == list[str] else type.__name__
    read = cattrs.Converter().structure(value, type)
    other = by_pydantic(value, type)
    print(f"{name:11} {value!r:13} {read!r:18} {other}")
    seen.append((read, other))
order = make_converter().loads('{"paid": "false"}', Order)
print(f'{{"paid": "false"}} as JSON of a class with `paid: bool`: {order}')
error = "ValidationError"
assert seen == [
    (True, "False"), (True, "False"), (19, error), ("None", error), (["t", "e", "a"], error), (["tea"], error)
], seen
assert order == Order(paid=True), order
PYTHON
