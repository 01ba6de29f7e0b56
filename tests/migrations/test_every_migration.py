"""Each migration on stores that are filled, on both databases: nothing is lost on the way."""

import re
from functools import partial
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from app.stores.sql.engines.opening import metadata, open_database
from app.stores.sql.migrating import MIGRATIONS
from tests.migrations.stores import TABLES, changes, filled, migrated, migrating, rows_of, schema_of
from tests.postgres import Postgres

CHANGES: dict[str, set[str]] = {
    "0013": {"sealing.until", "sealing.fingerprints_keyed"},  # the log is gone through again
}
"""By migration: the tables and columns that it changes on purpose, such as `customers.email_key`."""

SCRIPTS = ScriptDirectory(str(MIGRATIONS))
STEPS = [script for script in reversed(list(SCRIPTS.walk_revisions())) if script.down_revision]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.revision)
async def test_a_migration_keeps_every_row(new_database_url: str, step: object) -> None:
    revision, before_it = step.revision, step.down_revision  # type: ignore[attr-defined]
    await migrated(new_database_url, before_it)
    async with migrating(new_database_url) as connection:
        await connection.run_sync(filled)
        before = await connection.run_sync(rows_of)
    assert all(before.values()), "every table has rows"
    await migrated(new_database_url, revision)
    async with migrating(new_database_url) as connection:
        after = await connection.run_sync(rows_of)
        if connection.dialect.name == "sqlite":
            assert (await connection.execute(text("PRAGMA foreign_key_check"))).all() == []
    assert changes(before, after).keys() == CHANGES.get(revision, set())


async def test_all_migrations_together_make_the_schema_that_the_code_wants(
    new_database_url: str, postgres_server: Postgres, tmp_path: Path
) -> None:
    await migrated(new_database_url, STEPS[0].down_revision)  # type: ignore[arg-type]
    async with migrating(new_database_url) as connection:
        await connection.run_sync(filled)
    async with open_database(new_database_url) as engines, engines.reading.connect() as connection:
        by_migrations = await schema_of(connection)
        is_sqlite = connection.dialect.name == "sqlite"
    fresh = f"sqlite+aiosqlite:///{tmp_path}/fresh.db" if is_sqlite else await postgres_server.database()
    async with migrating(fresh) as connection:
        await connection.run_sync(partial(metadata.create_all, tables=TABLES))
        await connection.commit()
        assert by_migrations == await schema_of(connection)


def test_tables_are_altered_by_what_loses_nothing() -> None:
    """`batch_alter_table` by itself loses checks, collations, descending keys and triggers on SQLite."""
    for script in (MIGRATIONS / "versions").glob("*.py"):
        assert not re.search(
            r"batch_alter_table|op\\.(drop|alter)_(column|constraint)", script.read_text("utf-8")
        )
