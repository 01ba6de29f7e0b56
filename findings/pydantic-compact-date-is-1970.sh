#!/usr/bin/env bash
# Pydantic reads the date "20240101", where it expects a datetime, as a day in August 1970.
#
# Versions:  pydantic 2.14.4
# Guess:     A datetime field takes ISO 8601. The date "2024-01-01" gives midnight; the same date in the basic format,
#            "20240101", gives midnight, too, as in datetime.fromisoformat(), or is refused like 20240101T000000.
# Behaviour: A string of digits is a number of seconds since 1970, or of milliseconds if it is greater than 2e10:
#            "20240101" is 1970-08-23, "202401011200" is in 1976, "2024" is half an hour into 1970, all in UTC, while
#            "2024-01-01" has no time zone. A date field refuses them. Strict mode, reading JSON, refuses "2024-01-01"
#            and still takes "20240101" for 1970.
# Matters:   Exports of ledgers and banks write dates in the basic format. They are imported without an error, as
#            events of 1970, which a rule such as "placed in the past" accepts. Check the string's form before.
# Seen:
#   string            datetime field                    date field   strict                            fromisoformat()
#   2024-01-01        2024-01-01 00:00:00               2024-01-01   refused                           2024-01-01 00:00:00
#   20240101          1970-08-23 06:15:01+00:00         refused      1970-08-23 06:15:01+00:00         2024-01-01 00:00:00
#   20240101T120000   refused                           refused      refused                           2024-01-01 12:00:00
#   202401011200      1976-05-31 14:30:11.200000+00:00  refused      1976-05-31 14:30:11.200000+00:00  refused
#   2024              1970-01-01 00:33:44+00:00         refused      1970-01-01 00:33:44+00:00         refused
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydantic==2.14.4

"$folder/venv/bin/python" - <<'PYTHON'
import json
from datetime import date, datetime

from pydantic import TypeAdapter, ValidationError


def read(kind, text, **settings):
    try:
        return str(TypeAdapter(kind).validate_json(json.dumps(text), **settings))
    except ValidationError:
        return "refused"


def from_iso_format(text):
    try:
        return str(datetime.fromisoformat(text))
    except ValueError:
        return "refused"


print(f"{'string':17} {'datetime field':33} {'date field':12} {'strict':33} fromisoformat()")
seen = {}
for text in ("2024-01-01", "20240101", "20240101T120000", "202401011200", "2024"):
    seen[text] = read(datetime, text), read(date, text), read(datetime, text, strict=True), from_iso_format(text)
    print("{:17} {:33} {:12} {:33} {}".format(text, *seen[text]))
midnight, seconds = "2024-01-01 00:00:00", "1970-08-23 06:15:01+00:00"
assert seen == {
    "2024-01-01": (midnight, "2024-01-01", "refused", midnight),
    "20240101": (seconds, "refused", seconds, midnight),
    "20240101T120000": ("refused", "refused", "refused", "2024-01-01 12:00:00"),
    "202401011200": ("1976-05-31 14:30:11.200000+00:00", "refused", "1976-05-31 14:30:11.200000+00:00", "refused"),
    "2024": ("1970-01-01 00:33:44+00:00", "refused", "1970-01-01 00:33:44+00:00", "refused"),
}, seen
PYTHON
