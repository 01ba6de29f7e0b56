#!/usr/bin/env bash
# Python and MongoDB write some decimals with an exponent, and currency.js reads 1E+2 as 12.
#
# Versions:  currency.js 2.0.4, Node 20 or later; strawberry-graphql 0.341.2, pymongo (bson) 4.20.1, Python's decimal
# Guess:     A Decimal is sent as a string to keep it exact. currency("...") reads any decimal string, or refuses it:
#            there is an option `errorOnInvalid`.
# Behaviour: A Decimal keeps its exponent: 100 is "1E+2" after normalize(), and MongoDB's quotient of 100 and 0.5 is
#            2.0E+2. strawberry's Decimal scalar sends this text. currency.js drops all that is no digit, minus or
#            point and reads what is left: 1E+2 is 12, 1.5E+3 is 1.53, and errorOnInvalid accepts it. A negative
#            exponent makes NaN, also of a zero. Number() reads them all.
# Matters:   A customer is shown 12.00 for 100, or charged it; it happens for round amounts only, where some code on
#            the way normalizes or divides. Send format(value, "f"), or pass Number(text) to currency().
# Seen (sent by the scalar, read by currency(text, {errorOnInvalid: true}), and by Number(text)):
#   Decimal("100")                            "100"      currency 100.00     Number 100
#   Decimal("100").normalize()                "1E+2"     currency 12.00      Number 100
#   Decimal("1500.00").normalize()            "1.5E+3"   currency 1.53       Number 1500
#   Decimal("0.00000000")                     "0E-8"     currency NaN        Number 0
#   Decimal128("2.0E+2").to_decimal()         "2.0E+2"   currency 2.02       Number 200
#   format(Decimal("100").normalize(), "f")   "100"      currency 100.00     Number 100
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" currency.js@2.0.4
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check strawberry-graphql==0.341.2 pymongo==4.20.1

cat >read.mjs <<'JAVASCRIPT'
import currency from "currency.js";

const read = (text) => [currency(text, { errorOnInvalid: true }).toString(), String(Number(text))];
console.log(JSON.stringify(JSON.parse(process.argv[2]).map(read)));
JAVASCRIPT

"$folder/venv/bin/python" - <<'PYTHON'
import json
import subprocess
from decimal import Decimal

import strawberry
from bson.decimal128 import Decimal128

AMOUNTS = {
    'Decimal("100")': Decimal("100"),
    'Decimal("100").normalize()': Decimal("100").normalize(),
    'Decimal("1500.00").normalize()': Decimal("1500.00").normalize(),
    'Decimal("0.00000000")': Decimal("0.00000000"),
    'Decimal128("2.0E+2").to_decimal()': Decimal128("2.0E+2").to_decimal(),
    'format(Decimal("100").normalize(), "f")': Decimal(format(Decimal("100").normalize(), "f")),
}


@strawberry.type
class Query:
    @strawberry.field
    def amounts(self) -> list[Decimal]:
        return list(AMOUNTS.values())


sent = strawberry.Schema(Query).execute_sync("{ amounts }").data["amounts"]
output = subprocess.run(["node", "read.mjs", json.dumps(sent)], capture_output=True, check=True).stdout
seen = []
for name, text, (amount, number) in zip(AMOUNTS, sent, json.loads(output), strict=True):
    print(f"{name:41} {json.dumps(text):10} currency {amount:10} Number {number}")
    seen.append((text, amount, number))
assert seen == [
    ("100", "100.00", "100"),
    ("1E+2", "12.00", "100"),
    ("1.5E+3", "1.53", "1500"),
    ("0E-8", "NaN", "0"),
    ("2.0E+2", "2.02", "200"),
    ("100", "100.00", "100"),
], seen
PYTHON
