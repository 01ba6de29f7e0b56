#!/usr/bin/env bash
# DuckDB's INSERT OR REPLACE keeps the columns that the statement does not name, where SQLite sets them back.
#
# Versions:  duckdb 2.0.1, SQLite 3.54.1 (apsw 3.54.1.0)
# Guess:     INSERT OR REPLACE is the statement of SQLite, from where DuckDB has its words: the row that is there is
#            removed, and the new one has defaults in all columns that the statement doesn't name.
# Behaviour: DuckDB takes it for ON CONFLICT DO UPDATE of the named columns. All others keep the old row's values, and a
#            default is not used. INSERT BY NAME does the same, so what a column has depends on which ones the source
#            happened to have.
# Matters:   A read model that is moved from SQLite to DuckDB, with the same SQL, keeps what it used to clear: the order
#            that is placed anew is still shipped and still has the old note. Name all columns, or delete and insert.
# Seen (a row of id 1, status 'shipped', note 'gift' is replaced by id 1 with the status 'placed'; note has a default):
#   SQLite  INSERT OR REPLACE INTO orders (id, status) VALUES (1, 'placed')     (1, 'placed', 'none')
#   DuckDB  INSERT OR REPLACE INTO orders (id, status) VALUES (1, 'placed')     (1, 'placed', 'gift')
#   DuckDB  INSERT OR REPLACE INTO orders BY NAME SELECT 1 AS id, 'placed' ...  (1, 'placed', 'gift')
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1 apsw==3.54.1.0

"$folder/venv/bin/python" - <<'PYTHON'
import apsw
import duckdb

CREATE = "CREATE TABLE orders (id INTEGER PRIMARY KEY, status VARCHAR, note VARCHAR DEFAULT 'none')"
REPLACE = "INSERT OR REPLACE INTO orders (id, status) VALUES (1, 'placed')"
BY_NAME = "INSERT OR REPLACE INTO orders BY NAME SELECT 1 AS id, 'placed' AS status"


def after(connection, replace):
    for statement in (CREATE, "INSERT INTO orders VALUES (1, 'shipped', 'gift')", replace):
        connection.execute(statement)
    return connection.execute("SELECT * FROM orders").fetchall()


seen = {
    ("SQLite", REPLACE): after(apsw.Connection(":memory:"), REPLACE),
    ("DuckDB", REPLACE): after(duckdb.connect(), REPLACE),
    ("DuckDB", BY_NAME): after(duckdb.connect(), BY_NAME),
}
for (library, replace), [row] in seen.items():
    print(f"{library}  {replace.replace(' AS status', ' ...'):67} {row}")
kept = [(1, "placed", "gift")]
assert list(seen.values()) == [[(1, "placed", "none")], kept, kept], seen
PYTHON
