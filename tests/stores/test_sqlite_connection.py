"""Statements through aiosqlite: one trip to its thread each, and all that SQLAlchemy asks of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.stores.sqlite_connection import WholeStatements, connect

teas = Table(
    "teas",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String, unique=True),
)


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path}/teas.db", connect_args={"async_creator_fn": connect}
    )
    async with engine.connect() as connection:
        await connection.run_sync(teas.metadata.create_all)
        yield connection
    await engine.dispose()


async def test_a_statement_takes_one_trip(
    connection: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = 0
    original = WholeStatements._execute

    async def counted(self: WholeStatements, *call: Any) -> Any:
        nonlocal trips
        trips += 1
        return await original(self, *call)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(WholeStatements, "_execute", counted)
    await connection.execute(teas.insert(), [{"name": "Chai"}, {"name": "Sencha"}])
    assert (await connection.execute(select(teas.c.name).order_by("name"))).scalars().all() == [
        "Chai",
        "Sencha",
    ]
    assert trips == 2


async def test_gives_rows_counts_and_new_keys(connection: AsyncConnection) -> None:
    added = await connection.execute(teas.insert().values(name="Chai"))
    assert added.inserted_primary_key == (1,)
    renamed = update(teas).values(name="Masala Chai")
    assert (await connection.execute(renamed.where(teas.c.id == 1))).rowcount == 1
    assert (await connection.execute(renamed.where(teas.c.id == 2))).rowcount == 0
    assert (await connection.execute(renamed.returning(teas.c.name))).scalar_one() == "Masala Chai"
    found = await connection.execute(select(teas).where(teas.c.id == 2))
    assert (list(found.keys()), found.all()) == (["id", "name"], [])


async def test_a_statement_that_fails_fails_alone(connection: AsyncConnection) -> None:
    await connection.execute(teas.insert().values(name="Chai"))
    with pytest.raises(IntegrityError, match="UNIQUE"):
        await connection.execute(teas.insert(), [{"name": "Sencha"}, {"name": "Chai"}])
    with pytest.raises(OperationalError, match="syntax error"):
        await connection.execute(text("brew"))
    assert (await connection.execute(select(teas.c.name))).scalars().first() == "Chai"


async def test_who_gives_up_a_statement_leaves_the_connection_usable(connection: AsyncConnection) -> None:
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, WholeStatements)
    running = asyncio.create_task(raw.cursor().execute("select 1"))
    await asyncio.sleep(0)
    running.cancel()
    assert (await (await raw.cursor().execute("select 2")).fetchall()) == [(2,)]
