#!/usr/bin/env bash
# msgspec rounds a seventh decimal of a second, up to the next year; Python and pydantic cut it off.
#
# Versions:  msgspec 0.23.0, pydantic 2.14.4
# Guess:     Python's datetimes have microseconds. What a text has beyond is cut off, as datetime.fromisoformat() and
#            pydantic do it, so that all agree on the moment, and none is later than what was written.
# Behaviour: msgspec rounds: half a microsecond goes up, and 23:59:59.9999999 of 31 December is midnight of the next
#            year. The same in JSON, in MessagePack and with convert(), also for times that end the day, which become
#            00:00 of the same day.
# Matters:   .NET and Go write seven and nine digits. Two services that read the same event with different libraries
#            have different times for it, which one in two such events shows, and it can be on another day, in another
#            month's invoice, or after the "to" of a period. Compare such times with a tolerance, or write six digits.
# Seen:
#   written                       Python                      pydantic                    msgspec
#   2026-12-31T23:59:59.9999999Z  2026-12-31 23:59:59.999999  2026-12-31 23:59:59.999999  2027-01-01 00:00:00
#   2026-03-01T10:00:00.1234565Z  2026-03-01 10:00:00.123456  2026-03-01 10:00:00.123456  2026-03-01 10:00:00.123457
#   2026-03-01T10:00:00.1234564Z  2026-03-01 10:00:00.123456  2026-03-01 10:00:00.123456  2026-03-01 10:00:00.123456
#   23:59:59.9999999              23:59:59.999999             23:59:59.999999             00:00:00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check msgspec==0.23.0 pydantic==2.14.4

"$folder/venv/bin/python" - <<'PYTHON'
from datetime import datetime, time

import msgspec
from pydantic import TypeAdapter

seen = []
print(f"{'written':29} {'Python':27} {'pydantic':27} msgspec")
for text, type in (
    ("2026-12-31T23:59:59.9999999Z", datetime),
    ("2026-03-01T10:00:00.1234565Z", datetime),
    ("2026-03-01T10:00:00.1234564Z", datetime),
    ("23:59:59.9999999", time),
):
    by_msgspec = {
        msgspec.convert(text, type),
        msgspec.json.decode(f'"{text}"', type=type),
        msgspec.msgpack.decode(msgspec.msgpack.encode(text), type=type),
    }
    [rounded] = by_msgspec
    read = type.fromisoformat(text), TypeAdapter(type).validate_python(text), rounded
    seen.append([str(value.replace(tzinfo=None)) for value in read])
    print(f"{text:29} {seen[-1][0]:27} {seen[-1][1]:27} {seen[-1][2]}")
assert seen == [
    ["2026-12-31 23:59:59.999999", "2026-12-31 23:59:59.999999", "2027-01-01 00:00:00"],
    ["2026-03-01 10:00:00.123456", "2026-03-01 10:00:00.123456", "2026-03-01 10:00:00.123457"],
    ["2026-03-01 10:00:00.123456", "2026-03-01 10:00:00.123456", "2026-03-01 10:00:00.123456"],
    ["23:59:59.999999", "23:59:59.999999", "00:00:00"],
], seen
PYTHON
