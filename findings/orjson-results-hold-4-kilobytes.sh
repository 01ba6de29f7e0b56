#!/usr/bin/env bash
# Every small result of orjson.dumps() holds 4 kB of memory for as long as it is kept.
#
# Versions:  orjson 3.13.0, beside json of Python and msgspec 0.22.0
# Guess:     orjson.dumps() returns ordinary bytes: 51 bytes of JSON take 84 bytes, as sys.getsizeof() says, and about
#            100 with the allocator's share.
# Behaviour: The buffer in which orjson wrote is not given back as long as the result lives: 51 bytes hold 4,100 bytes
#            of memory, 40 times as much, and results of 900 to 3,000 bytes hold 7,700. sys.getsizeof() does not show
#            it; resident memory and tracemalloc do. Results of json and msgspec take what they should, and so does a
#            copy.
# Matters:   orjson is the usual choice for what is encoded once and kept: answers in a cache, events in a replay
#            buffer, frames in a subscriber's queue. A limit by len() or getsizeof() lets the cache grow to many times
#            its budget. Keep bytes(memoryview(result)), 0.3 µs; bytes(result) and result[:] are no copies.
# Seen (bytes of memory for each kept result):
#   json      105   len 56, getsizeof 89
#   msgspec   105   len 51, getsizeof 84
#   orjson   4118   len 51, getsizeof 84
#   copy      104   len 51, getsizeof 84
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check orjson==3.13.0 msgspec==0.22.0

cat >"$folder/measure.py" <<'PYTHON'
import json
import sys

import msgspec
import orjson

NUMBER = 50_000
ENCODERS = {
    "json": lambda value: json.dumps(value).encode(),
    "msgspec": msgspec.json.Encoder().encode,
    "orjson": orjson.dumps,
    "copy": lambda value: bytes(memoryview(orjson.dumps(value))),
}


def resident():
    """Return the process's resident memory in bytes."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


name = sys.argv[1]
values = [{"id": number, "name": f"product {number}", "price": "12.50"} for number in range(NUMBER)]
before = resident()
kept = [ENCODERS[name](value) for value in values]
each = (resident() - before) / NUMBER
print(f"{name:7} {each:5.0f}   len {len(kept[-1])}, getsizeof {sys.getsizeof(kept[-1])}")
expected = (3500, 5000) if name == "orjson" else (80, 200)
assert expected[0] < each < expected[1], (name, each)
assert sys.getsizeof(kept[-1]) < 100
PYTHON
for encoder in json msgspec orjson copy; do "$folder/venv/bin/python" "$folder/measure.py" "$encoder"; done
