#!/usr/bin/env bash
# Polars takes the scale of decimals from the first hundred rows, and rounds all later ones to it without a word.
#
# Versions:  polars 2.1.0
# Guess:     A frame made from rows of Decimals holds these Decimals: the scale is that of the longest one, as if the
#            column were given as a list; or a row that doesn't fit is an error, as a string after whole numbers is.
# Behaviour: If the first 100 rows have one decimal place, the 101st has one, too: 9.99 becomes 10.0, and 0.05 becomes
#            0.0, although `strict` is true by default. As a list, by columns, the same values are exact.
# Matters:   An export of orders whose first hundred prices are like 1.5 loses the cents of all others; the total differs
#            and nothing failed. Drivers give Decimals with the scale that was stored, so it depends on the data. Give
#            the schema, or infer_schema_length=None.
# Seen (100 prices of 1.5, then 9.99 and 0.05):
#   rows                              scale 1: 10.0 0.0   sum 160.0
#   rows, infer_schema_length=None    scale 2: 9.99 0.05  sum 160.04
#   columns                           scale 2: 9.99 0.05  sum 160.04
#   rows of 1, then a string          ComputeError
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0

"$folder/venv/bin/python" - <<'PYTHON'
from decimal import Decimal

import polars

prices = [Decimal("1.5")] * 100 + [Decimal("9.99"), Decimal("0.05")]
rows = [{"price": price} for price in prices]
seen = {}
for name, frame in (
    ("rows", polars.DataFrame(rows)),
    ("rows, infer_schema_length=None", polars.DataFrame(rows, infer_schema_length=None)),
    ("columns", polars.DataFrame({"price": prices})),
):
    column = frame["price"]
    seen[name] = column.dtype.scale, column.to_list()[-2:], column.sum()
    scale, last, total = seen[name]
    print(f"{name:33} scale {scale}: {' '.join(map(str, last)):9}  sum {total}")
try:
    polars.DataFrame([{"price": 1}] * 100 + [{"price": "none"}])
    refusal = "accepted"
except polars.exceptions.PolarsError as error:
    refusal = type(error).__name__
print(f"{'rows of 1, then a string':33} {refusal}")
exact = (2, [Decimal("9.99"), Decimal("0.05")], Decimal("160.04"))
assert seen["rows"] == (1, [Decimal("10.0"), Decimal("0.0")], Decimal("160.0")), seen
assert seen["rows, infer_schema_length=None"] == seen["columns"] == exact, seen
assert refusal == "ComputeError", refusal
PYTHON
