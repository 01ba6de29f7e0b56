"""Tables that others refer to are altered on both databases, and lose nothing that they had."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.stores.sql.failures import UnfitStore
from tests.migrations.stores import migrated, migrating

FIRST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "teas", "{head}"

def upgrade():
    collation = "NOCASE" if op.get_bind().dialect.name == "sqlite" else "C"
    op.create_table("teas",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(20, collation=collation), unique=True),
        sa.Column("grams", sa.Integer()),
        sa.Column("old", sa.Text()),
        sa.CheckConstraint("grams > 0", name="some"),
    )
    op.create_index("ix_teas_newest", "teas", [sa.text("id DESC"), "name"])
    op.create_index("ix_teas_heavy", "teas", ["grams"], sqlite_where=sa.text("grams > 100"),
        postgresql_where=sa.text("grams > 100"))
    op.create_table("cups",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tea_id", sa.Integer(), sa.ForeignKey("teas.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_table("poured", sa.Column("tea_id", sa.Integer(), sa.ForeignKey("teas.id"), primary_key=True))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE TRIGGER of_teas AFTER UPDATE ON teas BEGIN SELECT 1; END")
        op.execute("CREATE TRIGGER of_cups AFTER INSERT ON cups "
            "BEGIN UPDATE teas SET grams = grams + 1 WHERE id = NEW.tea_id; END")
    for statement in (
        "INSERT INTO teas VALUES (1, 'Assam', 100, 'x'), (2, 'Sencha', 200, NULL)",
        "INSERT INTO cups VALUES (1, 1), (2, 2), (3, 2)",
        "INSERT INTO poured VALUES (1), (2)",
    ):
        op.execute(statement)
"""

SECOND = """
import sqlalchemy as sa
from alembic import op
from app.migrations.altering import altered, table_as_it_was

revision, down_revision = "stronger", "teas"

def upgrade():
    teas = table_as_it_was("teas",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(20, collation="NOCASE"), unique=True),
        sa.Column("grams", sa.Integer()),
        sa.Column("old", sa.Text()),
        sa.CheckConstraint("grams > 0", name="some"),
        {indexes}
    )
    with altered(teas) as alteration:
        alteration.alter_column("grams", type_=sa.BigInteger(), nullable=False)
        alteration.drop_column("old")
        alteration.add_column(sa.Column("strength", sa.Integer(), nullable=False, server_default="3"))
    {more}
"""

INDEXES = """
        sa.Index("ix_teas_newest", sa.text("id DESC"), "name"),
        sa.Index("ix_teas_heavy", "grams", sqlite_where=sa.text("grams > 100")),
"""


@pytest.fixture
async def folder(new_database_url: str, tmp_path: Path) -> Path:
    """Where migrations are that follow the shop's; the first of them has run."""
    from tests.migrations.test_every_migration import SCRIPTS

    folder = tmp_path / "more migrations"
    folder.mkdir()
    (folder / "first.py").write_text(FIRST.replace("{head}", str(SCRIPTS.get_current_head())))
    await migrated(new_database_url, "teas", folder)
    return folder


async def altered(new_database_url: str, folder: Path, *, indexes: str = INDEXES, more: str = "") -> None:
    second = SECOND.replace("{indexes}", indexes.strip()).replace("{more}", more)
    (folder / "second.py").write_text(second)
    await migrated(new_database_url, "stronger", folder)


async def all_of(new_database_url: str, *queries: str) -> list[list[tuple[object, ...]]]:
    async with migrating(new_database_url) as connection:
        return [[tuple(row) for row in (await connection.execute(text(query))).all()] for query in queries]


async def test_a_table_that_others_refer_to_is_altered_and_keeps_all_rows(
    new_database_url: str, folder: Path
) -> None:
    queries = (
        "SELECT id, name, grams FROM teas ORDER BY id",
        "SELECT id, tea_id FROM cups ORDER BY id",
        "SELECT tea_id FROM poured ORDER BY tea_id",
    )
    before = await all_of(new_database_url, *queries)
    await altered(new_database_url, folder)
    assert await all_of(new_database_url, *queries) == before
    assert [len(rows) for rows in before] == [2, 3, 2]
    [strengths] = await all_of(new_database_url, "SELECT strength FROM teas")
    assert strengths == [(3,), (3,)]


async def test_an_altered_table_keeps_its_rules(new_database_url: str, folder: Path) -> None:
    await altered(new_database_url, folder)
    for statement in (
        "UPDATE teas SET grams = 0 WHERE id = 1",
        "UPDATE teas SET name = 'Sencha' WHERE id = 1",
    ):
        async with migrating(new_database_url) as connection:
            with pytest.raises(IntegrityError):
                await connection.execute(text(statement))


@pytest.mark.parametrize("new_database_url", ["sqlite"], indirect=True)
async def test_an_altered_table_keeps_collation_descending_keys_conditions_and_triggers(
    new_database_url: str, folder: Path
) -> None:
    kept = (
        "SELECT name, sql FROM sqlite_master "
        "WHERE type <> 'table' AND sql IS NOT NULL AND tbl_name NOT IN ('events', 'orders') ORDER BY name"
    )
    order = "SELECT name, \"desc\" FROM pragma_index_xinfo('ix_teas_newest') WHERE key ORDER BY seqno"
    before = await all_of(new_database_url, kept, order)
    await altered(new_database_url, folder)
    after = await all_of(new_database_url, kept, order)
    assert after == before
    assert len(before[0]) == 4
    assert before[1] == [("id", 1), ("name", 0)]
    [[same]] = await all_of(new_database_url, "SELECT count(*) FROM teas WHERE name = 'ASSAM'")
    assert same == (1,)
    [[legacy]] = await all_of(new_database_url, "PRAGMA legacy_alter_table")
    assert legacy == (0,)


@pytest.mark.parametrize("new_database_url", ["sqlite"], indirect=True)
async def test_a_declaration_that_leaves_something_out_is_refused_and_changes_nothing(
    new_database_url: str, folder: Path
) -> None:
    everything = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
    before = await all_of(new_database_url, everything)
    with pytest.raises(ValueError, match=r"The table teas differs from the migration(.|\n)*ix_teas_heavy"):
        await altered(new_database_url, folder, indexes=INDEXES.strip().split("\n")[0])
    assert await all_of(new_database_url, everything) == before


@pytest.mark.parametrize("new_database_url", ["sqlite"], indirect=True)
async def test_a_migration_that_leaves_rows_alone_that_others_refer_to_is_refused_whole(
    new_database_url: str, folder: Path
) -> None:
    with pytest.raises(UnfitStore, match="cups to teas, poured to teas"):
        await altered(new_database_url, folder, more="op.execute('DELETE FROM teas WHERE id = 2')")
    [teas, revision] = await all_of(
        new_database_url, "SELECT id FROM teas ORDER BY id", "SELECT version_num FROM alembic_version"
    )
    assert teas == [(1,), (2,)]
    assert revision == [("teas",)]


@pytest.mark.parametrize("new_database_url", ["postgres"], indirect=True)
async def test_a_migration_may_take_longer_than_a_command(new_database_url: str) -> None:
    [[timeout]] = await all_of(new_database_url, "SHOW idle_in_transaction_session_timeout")
    assert timeout == ("0",)
