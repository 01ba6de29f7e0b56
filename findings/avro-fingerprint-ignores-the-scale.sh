#!/usr/bin/env bash
# Two Avro schemas whose decimals have different scales have the same fingerprint, and one reads the other's prices.
#
# Versions:  fastavro 1.13.1 (the fingerprints are those of the Avro specification)
# Guess:     The fingerprint of a schema says whether two schemas are the same for whoever reads. Another scale of a
#            decimal, which moves the point, gives another fingerprint.
# Behaviour: The fingerprint is that of the "parsing canonical form", which leaves out whatever does not change how many
#            bytes are read: logicalType, precision and scale, defaults, and aliases. By all three algorithms a decimal
#            of scale 2, one of scale 4, and plain bytes have one fingerprint, and so do timestamps in milliseconds and
#            plain longs. Another order of the fields makes a difference.
# Matters:   A cache of schemas, a registry, or the eight bytes in front of a single-object message find a schema by its
#            fingerprint. After the scale went from 2 to 4 they find the old one, and 19.99 is read as 1999.00 without
#            an error. Give the record a new name with each change of meaning, or hash the schema's whole text.
# Seen:
#   price                        CRC-64-AVRO        SHA-256 begins   19.99 of scale 4 is read as
#   decimal, scale 4             8282b7d19b9ec402   7bf50ee8         19.9900
#   decimal, scale 2             8282b7d19b9ec402   7bf50ee8         1999.00
#   bytes                        8282b7d19b9ec402   7bf50ee8         b'\x03\x0c\xdc'
#   decimal, scale 4, default    8282b7d19b9ec402   7bf50ee8         19.9900
#   after another field          b423822fe2a69944   09cc20d0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fastavro==1.13.1

"$folder/venv/bin/python" - <<'PYTHON'
from decimal import Decimal
from io import BytesIO

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, to_parsing_canonical_form


def schema(price, *, first=(), **settings):
    fields = [*first, {"name": "price", "type": price, **settings}]
    return {"type": "record", "name": "Priced", "fields": fields}


def decimals(scale):
    return {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": scale}


def identity(schema):
    form = to_parsing_canonical_form(schema)
    return tuple(fingerprint(form, algorithm) for algorithm in ("CRC-64-AVRO", "SHA-256", "MD5"))


written = BytesIO()
schemaless_writer(written, parse_schema(schema(decimals(4))), {"price": Decimal("19.99")})

seen = {}
print(f"{'price':28} {'CRC-64-AVRO':18} {'SHA-256 begins':16} 19.99 of scale 4 is read as")
for name, other in (
    ("decimal, scale 4", schema(decimals(4))),
    ("decimal, scale 2", schema(decimals(2))),
    ("bytes", schema("bytes")),
    ("decimal, scale 4, default", schema(decimals(4), default="\x00")),
):
    price = schemaless_reader(BytesIO(written.getvalue()), parse_schema(other))["price"]
    seen[name] = identity(other), str(price)
    print(f"{name:28} {seen[name][0][0]:18} {seen[name][0][1][:8]:16} {price}")
moved = identity(schema(decimals(4), first=[{"name": "count", "type": "int"}]))
print(f"{'after another field':28} {moved[0]:18} {moved[1][:8]}")
assert len({prints for prints, _ in seen.values()}) == 1 and moved not in [prints for prints, _ in seen.values()], seen
assert [price for _, price in seen.values()] == ["19.9900", "1999.00", "b'\\x03\\x0c\\xdc'", "19.9900"], seen
in_milliseconds = schema({"type": "long", "logicalType": "timestamp-millis"})
assert identity(in_milliseconds) == identity(schema("long"))
PYTHON
