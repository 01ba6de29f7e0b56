#!/usr/bin/env bash
# pydantic writes a timedelta of 365 days as "P1Y", and reads "P1M" as 30 days.
#
# Versions:  pydantic 2.14.4, msgspec 0.23.0, isodate 0.7.2
# Guess:     A timedelta is a number of days and seconds, so 365 of them are written as "P365D". Months and years have no
#            fixed length; a duration that has them is refused for a timedelta.
# Behaviour: From 365 days on they are counted in years of 365 days: 400 are "P1Y35D". When reading, a month has 30 days
#            and a year 365, without a word, so that twelve months are 360 days. pydantic itself reads what it wrote; to
#            every other reader of ISO 8601, "P1Y" is a year of the calendar.
# Matters:   A warranty of 365 days, sent to a service that adds "P1Y", ends on another day in or before a leap year,
#            and msgspec, which writes "P365D", refuses to read it. A subscription of "P1M" from a client is renewed each
#            30 days, and "P12M" ends five days before "P1Y". Send days as a number, or use ser_json_timedelta="float".
# Seen:
#   days   pydantic writes   msgspec reads     added to 1 March 2027 by isodate
#   364    "P364D"           364 days          364 days later
#   365    "P1Y"             ValidationError   366 days later
#   400    "P1Y35D"          ValidationError   401 days later
#   730    "P2Y"             ValidationError   731 days later
#   read by pydantic: P1M 30 days, P12M 360 days, P1Y 365 days
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydantic==2.14.4 msgspec==0.23.0 isodate==0.7.2

"$folder/venv/bin/python" - <<'PYTHON'
from datetime import date, timedelta

import isodate
import msgspec
from pydantic import TypeAdapter

ADAPTER = TypeAdapter(timedelta)
START = date(2027, 3, 1)


def by_msgspec(written):
    try:
        return f"{msgspec.json.decode(written, type=timedelta).days} days"
    except msgspec.ValidationError as error:
        return type(error).__name__


seen = []
print(f"{'days':6} {'pydantic writes':17} {'msgspec reads':17} added to 1 March 2027 by isodate")
for days in (364, 365, 400, 730):
    written = ADAPTER.dump_json(timedelta(days)).decode()
    assert ADAPTER.validate_json(written) == timedelta(days)
    added = START + isodate.parse_duration(written.strip('"')) - START
    seen.append((written, by_msgspec(written), added.days))
    print(f"{days:<6} {written:17} {seen[-1][1]:17} {added.days} days later")
read = {text: ADAPTER.validate_python(text).days for text in ("P1M", "P12M", "P1Y")}
print("read by pydantic:", ", ".join(f"{text} {days} days" for text, days in read.items()))
assert msgspec.json.encode(timedelta(365)) == b'"P365D"'
assert seen == [
    ('"P364D"', "364 days", 364),
    ('"P1Y"', "ValidationError", 366),
    ('"P1Y35D"', "ValidationError", 401),
    ('"P2Y"', "ValidationError", 731),
], seen
assert read == {"P1M": 30, "P12M": 360, "P1Y": 365}, read
PYTHON
