#!/usr/bin/env bash
# The CloudEvents SDK writes JSON data that is no object or array as it would print it, in the binary mode.
#
# Versions:  cloudevents 2.2.0
# Guess:     With datacontenttype application/json the data is encoded as JSON, in both modes: the string "0042" is sent
#            with its quotes, and what is read back equals what was sent, whichever mode the sender chose.
# Behaviour: In the structured mode that is so. In the binary mode a string is sent without quotes, and True as `True`.
#            A receiver that decodes JSON refuses most of them; the SDK itself reads "42" back as the number 42,
#            "true" as True, "1.10" as the float 1.1, an empty string as None, and True as the string "True".
# Matters:   An event whose data is one value, such as an order number or an amount kept as a string, changes its type
#            on the way, by its digits: "A17" arrives as a string and "17" as a number. Let the data be an object.
# Seen:
#   data      structured mode                binary mode
#   'A17'     "A17"    read 'A17'            A17      read 'A17'
#   '17'      "17"     read '17'             17       read 17
#   '1.10'    "1.10"   read '1.10'           1.10     read 1.1
#   'true'    "true"   read 'true'           true     read True
#   True      true     read True             True     read 'True'
#   {'n': 1}  {"n": 1} read {'n': 1}         {"n": 1} read {'n': 1}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cloudevents==2.2.0

"$folder/venv/bin/python" - <<'PYTHON'
import json

from cloudevents.core.bindings.http import from_binary, from_structured, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

JSON = JSONFormat()


def event(data):
    attributes = {"id": "1", "source": "/orders", "type": "placed", "datacontenttype": "application/json"}
    return CloudEvent(attributes=attributes, data=data)


print("data      structured mode                binary mode")
seen = []
for data in ("A17", "17", "1.10", "true", True, {"n": 1}):
    structured = to_structured(event(data), JSON)
    binary = to_binary(event(data), JSON)
    sent = json.dumps(json.loads(structured.body)["data"]), binary.body.decode()
    read = from_structured(structured, JSON).get_data(), from_binary(binary, JSON).get_data()
    print(f"{data!r:9} {sent[0]:8} read {read[0]!r:15}  {sent[1]:8} read {read[1]!r}")
    assert sent[0] == json.dumps(data) and read[0] == data, (sent, read)
    seen.append((sent[1], read[1]))
assert repr(seen) == repr(
    [("A17", "A17"), ("17", 17), ("1.10", 1.1), ("true", True), ("True", "True"), ('{"n": 1}', {"n": 1})]
), seen
PYTHON
