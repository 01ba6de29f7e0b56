#!/usr/bin/env bash
# sgqlc reads the milliseconds of a DateTime as microseconds, and the minutes of a negative offset as positive.
#
# Versions:  sgqlc 18, graphql-core 3.2.14
# Guess:     sgqlc.types.datetime reads what ISO 8601 and RFC 3339 allow: ".5" and ".500" are half a second, and
#            -03:30 is three hours and a half behind UTC.
# Behaviour: The digits after the point are taken for a number of microseconds, however many there are: ".500" is
#            500 microseconds, ".5" is five. Six digits are right, nine raise ValueError. Of an offset the sign is
#            given to the hours alone: -03:30 becomes -02:30, an hour off. Time has the same faults.
# Matters:   Date.toISOString() writes three digits, so nearly each JavaScript server does: events of the same second
#            come out in another order, and a cursor or "changed since" made of such a value is too early by up to a
#            second. Servers in Go or Java, with nine digits, fail for some rows. Keep DateTime a string, and parse
#            it with datetime.fromisoformat().
# Seen:
#   2026-01-01T10:00:00.500Z         2026-01-01T10:00:00.000500+00:00
#   2026-01-01T10:00:00.5Z           2026-01-01T10:00:00.000005+00:00
#   2026-01-01T10:00:00.500000Z      2026-01-01T10:00:00.500000+00:00
#   2026-01-01T10:00:00.123456789Z   ValueError
#   2026-01-01T10:00:00-03:30        2026-01-01T10:00:00-02:30
#   2026-01-01T10:00:00+05:30        2026-01-01T10:00:00+05:30
#   .900 of a second is before .100000 of it: True
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sgqlc==18 graphql-core==3.2.14

"$folder/venv/bin/python" - <<'PYTHON'
from datetime import datetime

from sgqlc.operation import Operation
from sgqlc.types import Type
from sgqlc.types.datetime import DateTime


class Query(Type):
    at = DateTime


def read(text):
    """Return the time in an answer, as the client reads it."""
    operation = Operation(Query)
    operation.at()
    return (operation + {"data": {"at": text}}).at


DAY = "2026-01-01T10:00:00"
for text, expected in (
    (".500Z", ".000500+00:00"),
    (".5Z", ".000005+00:00"),
    (".500000Z", ".500000+00:00"),
    (".123456789Z", ValueError),
    ("-03:30", "-02:30"),
    ("+05:30", "+05:30"),
):
    try:
        result = read(DAY + text).isoformat()
    except ValueError as error:
        result = type(error).__name__
    print(f"{DAY + text:32} {result}")
    assert result == ("ValueError" if expected is ValueError else DAY + expected), (text, result)
    assert datetime.fromisoformat(DAY + text).utcoffset() is not None  # valid for Python, too
earlier = read(DAY + ".900Z") < read(DAY + ".100000Z")
print(f".900 of a second is before .100000 of it: {earlier}")
assert earlier
PYTHON
