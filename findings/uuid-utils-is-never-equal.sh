#!/usr/bin/env bash
# A uuid_utils.UUID is written to the database, and never equals what is read back.
#
# Versions:  uuid-utils 1.2.0, SQLAlchemy 2.1.9, orjson 3.13.0, msgspec 0.22.0
# Guess:     uuid_utils.uuid7() gives a uuid.UUID, or something that equals one with the same value: it has the same
#            class name, text, attributes, and hash.
# Behaviour: It is a class of its own. Comparing it with the uuid.UUID of the same value gives False, both ways round,
#            and without an error; the hashes are equal, so a dict or a set finds nothing either. SQLAlchemy's Uuid
#            type writes it like any other and reads a uuid.UUID. orjson and msgspec refuse it with TypeError.
#            uuid_utils.compat.uuid7() gives a real uuid.UUID.
# Matters:   The id that a command made is compared with the id of the row it wrote: "not mine", always. Identity
#            maps, deduplication sets and futures that wait for an id miss in silence, while everything prints alike.
# Seen:
#   read back has the same text True, equals False, found in a set False, same hash True
#   orjson refuses: TypeError, msgspec refuses: TypeError
#   compat: equals True, found in a set True
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  uuid-utils==1.2.0 sqlalchemy==2.1.9 orjson==3.13.0 msgspec==0.22.0

"$folder/venv/bin/python" - <<'PYTHON'
import msgspec
import orjson
import uuid_utils
import uuid_utils.compat
from sqlalchemy import Column, MetaData, Table, Uuid, create_engine, insert, select

engine = create_engine("sqlite://")
orders = Table("orders", MetaData(), Column("id", Uuid, primary_key=True))


def read_back(identity):
    with engine.begin() as connection:
        orders.metadata.create_all(connection)
        connection.execute(orders.delete())
        connection.execute(insert(orders).values(id=identity))
        return connection.scalar(select(orders.c.id))


def refusal(encode, value):
    try:
        encode(value)
    except TypeError as error:
        return type(error).__name__
    return "nothing"


own = uuid_utils.uuid7()
read = read_back(own)
same_text, equal = str(read) == str(own), read == own or own == read
found, same_hash = read in {own}, hash(read) == hash(own)
print(f"read back has the same text {same_text}, equals {equal}, found in a set {found}, same hash {same_hash}")
refusals = [refusal(encode, own) for encode in (orjson.dumps, msgspec.json.encode)]
print(f"orjson refuses: {refusals[0]}, msgspec refuses: {refusals[1]}")
compatible = uuid_utils.compat.uuid7()
read_compatible = read_back(compatible)
print(f"compat: equals {read_compatible == compatible}, found in a set {read_compatible in {compatible}}")

assert (same_text, equal, found, same_hash) == (True, False, False, True)
assert refusals == ["TypeError", "TypeError"], refusals
assert read_compatible == compatible
PYTHON
