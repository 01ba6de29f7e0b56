#!/usr/bin/env bash
# One batch operation of alembic on SQLite silently drops collations, descending indexes and triggers of the table.
#
# Versions:  alembic 1.20.1, SQLAlchemy 2.1.9, SQLite as in Python
# Guess:     batch_alter_table() copies the table with all that SQLite knows of it. An index that it can't reflect is
#            reported (an expression index is, by a warning), and so would be whatever else is lost.
# Behaviour: To make one column NOT NULL, alembic reflects the table, creates a new one, copies the rows and renames.
#            Without any message the new table has no COLLATE NOCASE, the index (position DESC, name) is ascending,
#            and the trigger is gone with the old table. Checks, STRICT and partial indexes are kept.
# Matters:   The migration succeeds, and so do its tests. Later the unique name is unique by case only, so "Ada" and
#            "ada" are both accepted; what the trigger kept up to date is not; and keyset pages sort in memory.
# Seen:
#   before: collation True, descending True, trigger True, second "ada": UNIQUE constraint failed
#   after:  collation False, descending False, trigger False, second "ada": accepted
#   warnings: none
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check alembic==1.20.1 sqlalchemy==2.1.9

"$folder/venv/bin/python" - <<'PYTHON'
import warnings

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import StaticPool

engine = create_engine("sqlite://", poolclass=StaticPool)


def state():
    """Return what is left of the table's extras, and what happens to a name that differs by case only."""
    with engine.connect() as connection:
        parts = {name: sql for name, sql in connection.execute(text("SELECT name, sql FROM sqlite_master"))}
        try:
            connection.execute(text("INSERT INTO customers (name, position) VALUES ('ada', 2)"))
            second = "accepted"
        except IntegrityError as error:
            second = str(error.orig).split(":")[0]
        connection.rollback()
    return {
        "collation": "NOCASE" in parts["customers"],
        "descending": "DESC" in parts["by_position"],
        "trigger": "stamp" in parts,
        'second "ada":': second,
    }


with engine.begin() as connection:
    for statement in (
        "CREATE TABLE customers "
        "(id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, position INTEGER, seen TEXT)",
        "CREATE UNIQUE INDEX by_name ON customers (name)",
        "CREATE INDEX by_position ON customers (position DESC, name)",
        "CREATE TRIGGER stamp AFTER INSERT ON customers BEGIN "
        "UPDATE customers SET seen = datetime('now') WHERE id = new.id; END",
        "INSERT INTO customers (name, position) VALUES ('Ada', 1)",
    ):
        connection.execute(text(statement))

before = state()
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    with engine.begin() as connection:
        with Operations(MigrationContext.configure(connection)).batch_alter_table("customers") as batch:
            batch.alter_column("position", nullable=False)
after = state()

for when, found in (("before:", before), ("after: ", after)):
    print(when, ", ".join(f"{name} {value}" for name, value in found.items()))
print("warnings:", [str(warning.message) for warning in warned] or "none")
assert list(before.values()) == [True, True, True, "UNIQUE constraint failed"] and not warned, (before, warned)
assert list(after.values()) == [False, False, False, "accepted"], after
PYTHON
