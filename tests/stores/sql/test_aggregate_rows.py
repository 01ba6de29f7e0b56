"""Rows whose columns are the fields of an aggregate are saved and loaded as they were."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import JSON, Column, Integer, MetaData, Table, Text, Uuid

from app.cqrs.log.events import EventTypes
from app.stores.sql.aggregate_rows import AggregateRows
from app.stores.sql.engines.opening import open_database
from app.stores.sql.write_store import SqlWriteStore
from tests.domain.shop import cause

SHELF, POT, CUP = UUID(int=1), UUID(int=2), UUID(int=3)
COLUMNS = (
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("goods", JSON, nullable=False),
)
SHELVES = Table("test_shelves", MetaData(), *COLUMNS)


@dataclass(frozen=True, kw_only=True)
class Shelf:
    id: UUID
    version: int
    name: str
    goods: tuple[UUID, ...] = ()


rows = AggregateRows(SHELVES, Shelf)


async def test_an_aggregate_is_loaded_as_it_was_saved(database_url: str) -> None:
    shelf = Shelf(id=SHELF, version=1, name="Top")
    filled = replace(shelf, version=2, goods=(POT, CUP))
    async with open_database(database_url) as engines:
        async with engines.writing.begin() as connection:
            await connection.run_sync(SHELVES.create)
        async with SqlWriteStore(engines, EventTypes()).begin(cause()) as work:
            assert await rows.load(work, SHELF) is None
            await rows.save(work, None, shelf)
            assert await rows.load(work, SHELF) == shelf
            await rows.save(work, shelf, filled)
            assert await rows.load(work, SHELF) == filled
            assert await rows.load(work, POT) is None
