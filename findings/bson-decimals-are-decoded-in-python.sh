#!/usr/bin/env bash
# pymongo's C extension decodes a Decimal128 by a call into Python, and takes many times as long as for a string.
#
# Versions:  pymongo 4.20.1 with its C extension
# Guess:     The C extension decodes each type in C, and a Decimal128 is 16 bytes: about as fast as an ObjectId or a date.
# Behaviour: A list of decimals takes some 20 times as long to decode as the same amounts as strings, and some 40 times
#            as long as integers. The extension calls the Python class method Decimal128.from_bid for each value, and
#            turning it into a decimal.Decimal costs as much again.
# Matters:   A page of 20 orders with their lines has a hundred amounts: two thirds of its decoding were decimals. Where
#            nobody computes with an amount in the database, integers of the smallest unit are the cheaper form.
# Seen:      (microseconds for 1,000 values; the ratios are what is checked)
#   int            11
#   str            23
#   datetime       41
#   ObjectId      103
#   Decimal128    450
#   Decimal128.from_bid was called 1000 times for 1000 values
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pymongo==4.20.1

"$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import datetime
from timeit import repeat

import bson
from bson import Decimal128, ObjectId

assert bson.has_c(), "the C extension is missing"

times = {}
for name, value in (
    ("int", 150),
    ("str", "1.50"),
    ("datetime", datetime(2026, 1, 31)),
    ("ObjectId", ObjectId()),
    ("Decimal128", Decimal128("1.50")),
):
    document = bson.encode({"values": [value] * 1000})
    times[name] = min(repeat(lambda: bson.decode(document), number=20, repeat=9)) / 20 * 1e6
    print(f"{name:12} {times[name]:5.0f}")

calls = 0


def count(frame, event, _argument):
    global calls
    calls += event == "call" and frame.f_code is Decimal128.from_bid.__func__.__code__


document = bson.encode({"values": [Decimal128("1.50")] * 1000})
sys.setprofile(count)
bson.decode(document)
sys.setprofile(None)
print(f"Decimal128.from_bid was called {calls} times for 1000 values")
assert calls == 1000, calls
assert times["Decimal128"] > 5 * times["str"], times
assert times["Decimal128"] > 2 * times["ObjectId"], times
PYTHON
