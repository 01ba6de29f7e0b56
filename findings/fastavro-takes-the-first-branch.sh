#!/usr/bin/env bash
# fastavro writes a value to the first branch of a union that could take it, not to the one that fits it.
#
# Versions:  fastavro 1.13.1
# Guess:     Of a union, the writer takes the branch that is made for the value: a datetime goes to the timestamp, an
#            int to the long, a str to the plain string. The order of the branches is a matter of the default value.
# Behaviour: The first branch for which isinstance() or a range check is true is taken. A datetime is a date, so that
#            [null, date, timestamp] drops its time; an int is good for a double, so that [null, double, long] rounds
#            it beyond 2^53; a str is good for a uuid, so that [null, uuid, string] is written and can't be read
#            again, with all that the block holds. A reader whose schema has a union does the same.
#            Nothing is raised by the writer. A date that stands alone takes datetimes and drops their time as well.
# Matters:   Adding `timestamp-millis` at the end of a union, the compatible way, leaves each writer storing midnight.
#            Put the narrower branch first (timestamp, long, string), and read back what a test has written.
# Seen:
#   [null, date, timestamp-millis]   datetime 2026-03-01 14:30:00+00:00   read 2026-03-01
#   [null, timestamp-millis, date]   datetime 2026-03-01 14:30:00+00:00   read 2026-03-01 14:30:00+00:00
#   [null, timestamp-millis, date]   date 2026-03-01                      read 2026-03-01
#   date                             datetime 2026-03-01 14:30:00+00:00   read 2026-03-01
#   [null, double, long]             int 9007199254740993                 read 9007199254740992.0
#   [null, long, double]             int 9007199254740993                 read 9007199254740993
#   [null, uuid, string]             str tea                              read ValueError
#   [null, string, uuid]             str tea                              read tea
#   long, read as [double, long]     int 9007199254740993                 read 9007199254740992.0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fastavro==1.13.1

"$folder/venv/bin/python" - <<'PYTHON'
from datetime import UTC, datetime
from io import BytesIO

from fastavro import schemaless_reader, schemaless_writer

DATE = {"type": "int", "logicalType": "date"}
TIMESTAMP = {"type": "long", "logicalType": "timestamp-millis"}
UUID = {"type": "string", "logicalType": "uuid"}
AT = datetime(2026, 3, 1, 14, 30, tzinfo=UTC)
BIG = 2**53 + 1


def read_back(schema, value, reader):
    """Write the value, which has to succeed, and return what is read of it."""
    buffer = BytesIO()
    schemaless_writer(buffer, schema, value)
    buffer.seek(0)
    try:
        return schemaless_reader(buffer, schema, reader)
    except ValueError as error:
        return type(error).__name__


def name(schema):
    if isinstance(schema, list):
        return f"[{', '.join(map(name, schema))}]"
    return schema["logicalType"] if isinstance(schema, dict) else schema


for schema, value, expected in (
    (["null", DATE, TIMESTAMP], AT, AT.date()),
    (["null", TIMESTAMP, DATE], AT, AT),
    (["null", TIMESTAMP, DATE], AT.date(), AT.date()),
    (DATE, AT, AT.date()),
    (["null", "double", "long"], BIG, float(2**53)),
    (["null", "long", "double"], BIG, BIG),
    (["null", UUID, "string"], "tea", "ValueError"),
    (["null", "string", UUID], "tea", "tea"),
    ("long", BIG, float(2**53)),
):
    reader = ["double", "long"] if schema == "long" else None
    read = read_back(schema, value, reader)
    title = name(schema) + (f", read as {name(reader)}" if reader else "")
    print(f"{title:32} {f'{type(value).__name__} {value}':36} read {read}")
    assert (type(read), read) == (type(expected), expected), (schema, value, read)
PYTHON
