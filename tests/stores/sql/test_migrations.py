import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Row, TextClause, Uuid, bindparam, create_engine, select, text

from app.cqrs.commands.outcomes import Receipt
from app.cqrs.log.events import EventTypes
from app.cqrs.messages import encode
from app.cqrs.unavailable import WriteStoreUnavailable
from app.domain.customers.tables import customers
from app.stores.sql.differences import differences
from app.stores.sql.engines.opening import UtcDateTime, metadata, open_database
from app.stores.sql.transactions import log_head
from app.stores.sql.write_store import SqlWriteStore
from tests.migrations.stores import TABLES, in_parts, migrated, migrating
from tests.stores.migrating import upgraded

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
START = """
import asyncio, sys
from app.stores.sql.engines.opening import open_database

async def start():
    async with open_database(sys.argv[1]):
        pass

asyncio.run(start())
"""


async def heads(url: str) -> Sequence[Row[Any, Any]]:
    async with open_database(url) as engines, engines.reading.connect() as connection:
        return (await connection.execute(select(log_head.c.store_id, log_head.c.position))).all()


async def test_an_upgraded_store_has_the_tables_that_the_code_wants(new_database_url: str) -> None:
    async with open_database(new_database_url) as engines, engines.reading.connect() as connection:
        assert await connection.run_sync(_differences) == []


async def test_an_upgraded_file_is_the_one_that_the_code_would_make(tmp_path: Path) -> None:
    async with (
        open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db") as engines,
        engines.reading.connect() as connection,
    ):
        upgraded = await connection.run_sync(_definitions)
    fresh = create_engine("sqlite://")
    with fresh.connect() as memory:
        metadata.create_all(memory, tables=TABLES)
        assert upgraded == _definitions(memory)
    fresh.dispose()


async def test_a_store_gets_its_id_once(new_database_url: str, tmp_path: Path) -> None:
    (first,) = await heads(new_database_url)
    (second,) = await heads(new_database_url)
    (other,) = await heads(f"sqlite+aiosqlite:///{tmp_path}/other.db")
    assert first == second
    assert first.position == 0
    assert other.store_id != first.store_id


async def test_a_store_that_a_newer_version_has_migrated_says_so(new_database_url: str) -> None:
    async with open_database(new_database_url) as engines, engines.writing.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WriteStoreUnavailable) as refused:
        async with open_database(new_database_url):
            pass
    said = str(refused.value)
    assert (
        "a newer version of Diptych has migrated it to 9999, and this version knows migrations up to 0"
        in said
    )
    assert "Update Diptych" in said
    assert said.startswith(
        f"Can't use the write store ({'SQLite' if 'sqlite' in new_database_url else 'Postgre'}"
    )


async def test_two_processes_may_start_on_an_empty_store_at_once(new_database_url: str) -> None:
    start = (sys.executable, "-c", START, new_database_url)
    started = [await asyncio.create_subprocess_exec(*start) for _ in range(2)]
    assert [await process.wait() for process in started] == [0, 0]
    assert len(await heads(new_database_url)) == 1


async def test_sqlite_is_set_to_lose_nothing(tmp_path: Path) -> None:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db") as engines:
        for engine in (engines.writing, engines.reading):
            async with engine.connect() as connection:
                for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
                    assert (await connection.execute(text(f"PRAGMA {pragma}"))).scalar_one() == wanted


async def test_keys_of_emails_are_brought_into_one_form_and_the_older_customer_keeps_a_shared_one(
    new_database_url: str,
) -> None:
    before = {
        1: ("Ada@Example.com", "ada@example.com"),
        2: ("cafe\u0301@example.com", "cafe\u0301@example.com"),
        3: ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        4: ("ada@b\u00fccher.example", "ada@b\u00fccher.example"),
        5: ("cafe\u0301@EXAMPLE.com", "cafe\u0301@example.com "),
        6: (None, None),
    }
    async with open_database(new_database_url) as engines, engines.writing.begin() as connection:
        for number, (email, key) in before.items():
            row = {"id": UUID(int=number), "version": 1, "name": "Ada", "email": email, "email_key": key}
            await connection.execute(customers.insert(), row)
        await connection.run_sync(upgraded, "0003_text_has_one_form")
        after = (await connection.execute(select(customers.c.email_key).order_by(customers.c.id))).scalars()
        assert list(after) == [
            "ada@example.com",
            "caf\u00e9@example.com",
            "ada@xn--bcher-kva.example",  # The other one has it already.
            "ada@b\u00fccher.example",
            "cafe\u0301@example.com ",
            None,
        ]


def _differences(connection: Connection) -> object:
    return list(differences(connection, TABLES))


async def test_commands_from_before_ids_belonged_to_actors_are_those_of_their_events_actors(
    new_database_url: str,
) -> None:
    await migrated(new_database_url, "0006")
    async with migrating(new_database_url) as connection:
        for number, actor in enumerate(["demo", "anonymous", None], start=1):
            await connection.execute(*_done(number))
            if actor:
                await connection.execute(*_recorded(number, actor))
        await connection.commit()
    async with open_database(new_database_url) as engines:
        async with engines.writing.begin() as connection:
            await connection.execute(*_done(4))  # by a process that started before
        store = SqlWriteStore(engines, EventTypes())
        found = await store.receipts([UUID(int=number) for number in (1, 2, 3, 4)])
    assert {(key.command_id.int, key.actor) for key in found} == {
        *((1, "demo"), (2, "anonymous"), (3, "anonymous"), (4, "anonymous"))
    }


def _done(number: int) -> tuple[TextClause, dict[str, object]]:
    insert = text(
        "INSERT INTO commands (command_id, fingerprint, receipt, accepted_at) VALUES (:id, '', :r, :at)"
    )
    receipt = encode(Receipt(command_id=UUID(int=number), events=()))
    return _typed(insert), {"id": UUID(int=number), "r": receipt, "at": NOON}


def _recorded(number: int, actor: str) -> tuple[TextClause, dict[str, object]]:
    insert = text(
        "INSERT INTO events VALUES"
        " (:position, :id, :stream, 1, 'PageTurned', 1, '{}', :at, :id, :id, :id, :actor)"
    )
    values = {
        "position": number,
        "id": UUID(int=number),
        "stream": f"book-{number}",
        "at": NOON,
        "actor": actor,
    }
    return _typed(insert), values


def _typed(insert: TextClause) -> TextClause:
    return insert.bindparams(bindparam("id", type_=Uuid()), bindparam("at", type_=UtcDateTime()))


def _definitions(connection: Connection) -> list[str]:
    """Every table and index in SQLite's own words, names of constraints and checks included."""
    kept = connection.execute(text("SELECT sql FROM sqlite_master WHERE name <> 'alembic_version'"))
    return sorted(in_parts(sql) for (sql,) in kept if sql)
