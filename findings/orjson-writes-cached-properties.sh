#!/usr/bin/env bash
# orjson writes a dataclass's cached property into the JSON once somebody has read it.
#
# Versions:  orjson 3.13.0, msgspec 0.23.0, pydantic 2.14.4
# Guess:     A dataclass is written with its fields, as dataclasses.asdict(), msgspec and pydantic write it. A
#            functools.cached_property is no field, and reading one changes nothing about the JSON.
# Behaviour: orjson writes what is in the object's __dict__, and the cached value is there from its first use on. So is
#            any attribute that was set beside the fields. Names that begin with an underscore are left out.
# Matters:   The same event has two texts, depending on whether a log line or a handler looked at `total` before: its
#            hash or signature differs, a stored document gets a field that nobody declared, and a reader that refuses
#            unknown fields refuses it. OPT_PASSTHROUGH_DATACLASS with default=dataclasses.asdict writes the fields.
# Seen:
#   fresh               orjson {"prices":[2,3]}             asdict, msgspec, pydantic {"prices":[2,3]}
#   total was read      orjson {"prices":[2,3],"total":5}   asdict, msgspec, pydantic {"prices":[2,3]}
#   an attribute set    orjson {"prices":[2,3],"note":"x"}  asdict, msgspec, pydantic {"prices":[2,3]}
#   passed through      orjson {"prices":[2,3]}             asdict, msgspec, pydantic {"prices":[2,3]}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check orjson==3.13.0 msgspec==0.23.0 pydantic==2.14.4

"$folder/venv/bin/python" - <<'PYTHON'
from dataclasses import asdict, dataclass
from functools import cached_property

import msgspec
import orjson
from pydantic import TypeAdapter


@dataclass
class Placed:
    prices: list[int]

    @cached_property
    def total(self):
        return sum(self.prices)


def by_fields(event):
    """Return the JSON that the others agree on."""
    [text] = {
        orjson.dumps(asdict(event)).decode(),
        msgspec.json.encode(event).decode(),
        TypeAdapter(Placed).dump_json(event).decode(),
    }
    return text


fresh, read, noted = Placed([2, 3]), Placed([2, 3]), Placed([2, 3])
assert read.total == 5
noted.note = "x"
seen = {}
for name, event, options in (
    ("fresh", fresh, {}),
    ("total was read", read, {}),
    ("an attribute set", noted, {}),
    ("passed through", read, {"option": orjson.OPT_PASSTHROUGH_DATACLASS, "default": asdict}),
):
    seen[name] = orjson.dumps(event, **options).decode(), by_fields(event)
    print(f"{name:19} orjson {seen[name][0]:28} asdict, msgspec, pydantic {seen[name][1]}")
fields = '{"prices":[2,3]}'
assert seen == {
    "fresh": (fields, fields),
    "total was read": ('{"prices":[2,3],"total":5}', fields),
    "an attribute set": ('{"prices":[2,3],"note":"x"}', fields),
    "passed through": (fields, fields),
}, seen
PYTHON
