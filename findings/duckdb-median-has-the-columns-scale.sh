#!/usr/bin/env bash
# In DuckDB the median of decimals has the column's scale, and is cut to it: that of 9.99 and 10.00 is 9.99.
#
# Versions:  duckdb 2.0.1
# Guess:     median() and quantile_cont() of a DECIMAL column interpolate, and give a DOUBLE, as avg() does of the same
#            column, and as they do themselves of whole numbers, where the median of 1 and 2 is 1.5.
# Behaviour: The result is a DECIMAL of the column's own scale, and what doesn't fit is cut off, towards zero. The median
#            of 0.1 and 0.2 in a DECIMAL(4, 1) is 0.1, that of 1 and 2 in a DECIMAL(4, 0) is 1, while as an INTEGER it
#            is 1.5. avg(), and all of them on doubles, interpolate.
# Matters:   The same report over prices in cents, kept as decimals or as ints, has other medians and quartiles, and
#            positive amounts never have higher ones as decimals. Cast to a DECIMAL with more places, or to DOUBLE,
#            inside of the call.
# Seen:
#   values                        median              quantile_cont(0.75)   avg
#   9.99, 10.00  DECIMAL(10, 2)   9.99                9.99                  9.995
#   -9.99, -10.00  DECIMAL(10, 2) -9.99               -9.99                 -9.995
#   9.99, 10.00  DECIMAL(10, 4)   9.9950              9.9975                9.995
#   1, 2  DECIMAL(4, 0)           1                   1                     1.5
#   1, 2  INTEGER                 1.5                 1.75                  1.5
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1

"$folder/venv/bin/python" - <<'PYTHON'
import duckdb

QUERY = "SELECT median(price), quantile_cont(price, 0.75), avg(price) FROM (SELECT unnest([{}])::{} AS price)"
seen = []
print(f"{'values':29} {'median':19} {'quantile_cont(0.75)':21} avg")
for values, type in (
    ("9.99, 10.00", "DECIMAL(10, 2)"),
    ("-9.99, -10.00", "DECIMAL(10, 2)"),
    ("9.99, 10.00", "DECIMAL(10, 4)"),
    ("1, 2", "DECIMAL(4, 0)"),
    ("1, 2", "INTEGER"),
):
    median, quartile, average = map(str, duckdb.sql(QUERY.format(values, type)).fetchall()[0])
    seen.append((median, quartile, average))
    print(f"{f'{values}  {type}':29} {median:19} {quartile:21} {average}")
assert seen == [
    ("9.99", "9.99", "9.995"),
    ("-9.99", "-9.99", "-9.995"),
    ("9.9950", "9.9975", "9.995"),
    ("1", "1", "1.5"),
    ("1.5", "1.75", "1.5"),
], seen
PYTHON
