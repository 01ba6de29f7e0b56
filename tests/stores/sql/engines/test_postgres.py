"""What only a store with several writers has to show: order, waiting, and news of others' commits."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from app.cqrs.commands.write_store import Conflict
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.engines import postgres
from app.stores.sql.engines.opening import open_database
from app.stores.sql.failures import is_away
from app.stores.sql.transactions import events
from app.stores.sql.write_store import RuleBroken
from tests.postgres import Postgres
from tests.stores.book import PATIENCE, Heard, Store, cause, ended, turned

PAGE = 8192
"""Bytes of a page of a table, the least that it has."""


def row_at(position: int) -> dict[str, object]:
    """An event as the write store keeps it."""
    id = uuid7()
    return {
        "position": position,
        "event_id": id,
        "stream": "book",
        "stream_version": position,
        "type": "PageTurned",
        "schema_version": 1,
        "data": '{"page":1}',
        "occurred_at": datetime.now(UTC),
        "command_id": id,
        "correlation_id": id,
        "causation_id": id,
        "actor": "an older process",
    }


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[Store]:
    async with open_database(postgres_url) as engines:
        yield Store(engines)


async def test_who_has_the_lower_position_cannot_commit_last(store: Store) -> None:
    """The classic way to lose an event: 1 is drawn, 2 is drawn, 2 commits, a reader passes 2, 1 commits."""
    async with store.begin(cause()) as slow:
        turned(slow, "slow", 0)
        await slow.append()  # it has its position now, and is not committed
        quick = asyncio.create_task(store.turn("quick", 0))
        await store.someone_waits_for_a_lock()
        assert await store.seen() == [], "the second one has not overtaken the first"
        await slow.rows.commit()
    await quick
    assert await store.seen() == [(1, "slow"), (2, "quick")]


async def test_a_position_that_was_rolled_back_is_given_to_the_next(store: Store) -> None:
    async with store.begin(cause()) as undone:
        turned(undone, "undone", 0)
        await undone.append()
        next_one = asyncio.create_task(store.turn("next", 0))
        await store.someone_waits_for_a_lock()
    await next_one
    assert await store.seen() == [(1, "next")]


async def test_the_logs_head_does_not_grow_while_somebody_has_a_long_snapshot_open(store: Store) -> None:
    async with store.engines.writing.connect() as dump, store.engines.reading.connect() as connection:
        await dump.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        await dump.execute(text("SELECT count(*) FROM events"))
        for version in range(200):
            await store.turn("book", version)
        size = await connection.execute(text("SELECT pg_relation_size('log_head')"))
        assert size.scalar_one() == PAGE, "each commit has left a version of the row behind"


async def test_a_process_that_started_before_the_head_was_only_locked_appends_in_order(store: Store) -> None:
    older = text("UPDATE log_head SET position = position + :count RETURNING position")
    await store.turn("book", 0)
    async with store.begin(cause()) as first:
        assert (await first.rows.execute(older, {"count": 2})).scalar_one() == 3
        newer = asyncio.create_task(store.turn("book", 3))
        await store.someone_waits_for_a_lock()
        await first.rows.execute(events.insert(), [row_at(2), row_at(3)])
        await first.rows.commit()
    await newer
    assert [position for position, _ in await store.seen()] == [1, 2, 3, 4]


async def test_of_two_who_write_the_same_stream_at_once_one_has_to_look_again(store: Store) -> None:
    async with store.begin(cause()) as one:
        turned(one, "book", 0)
        await one.append()
        other = asyncio.create_task(store.turn("book", 0))
        await store.someone_waits_for_a_lock()
        await one.rows.commit()
    with pytest.raises(Conflict):
        await other
    assert await store.seen() == [(1, "book")]


async def test_a_deadlock_is_a_lost_race(store: Store) -> None:
    async with store.engines.writing.begin() as setup:
        await setup.execute(text("CREATE TABLE pair AS SELECT * FROM (VALUES (1), (2)) AS pair(id)"))

    async def take(first: int, second: int, both: asyncio.Barrier) -> None:
        async with store.begin(cause()) as work:
            for id in (first, second):
                await work.rows.execute(text("SELECT * FROM pair WHERE id = :id FOR UPDATE"), {"id": id})
                if id == first:
                    await both.wait()

    both = asyncio.Barrier(2)
    outcomes = await asyncio.gather(take(1, 2, both), take(2, 1, both), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Conflict]


async def test_outlives_a_server_that_is_killed(postgres_server: Postgres, store: Store) -> None:
    heard = Heard()
    listener = asyncio.create_task(store.listen(heard))
    await heard.begins()
    await store.turn("book", 0)
    await postgres_server.kill()
    with pytest.raises(WriteStoreUnavailable, match="Try again"):
        await store.turn("book", 1)
    with pytest.raises(WriteStoreUnavailable):
        await store.read(after=0, limit=1)
    await postgres_server.start()
    await store.turn("book", 1)
    await heard.begins()
    assert await store.seen() == [(1, "book"), (2, "book")]
    await ended(listener)


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
async def test_the_isolation_level_is_ours_whatever_the_databases_default_is(
    postgres_server: Postgres, isolation: str
) -> None:
    url = await postgres_server.database(default_transaction_isolation=isolation)
    async with open_database(url) as engines:
        for engine in (engines.writing, engines.reading):
            async with engine.connect() as connection:
                level = await connection.execute(text("SHOW transaction_isolation"))
                assert level.scalar_one() == "read committed"
        store = Store(engines)
        await asyncio.gather(*(store.turn(f"book-{number}", 0) for number in range(32)))
        assert [position for position, _ in await store.seen()] == list(range(1, 33))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_that_can_not_hold_every_name_is_refused(
    postgres_server: Postgres, encoding: str
) -> None:
    url = await postgres_server.database(f"ENCODING '{encoding}' TEMPLATE template0")
    with pytest.raises(
        WriteStoreUnavailable,
        match=f"PostgreSQL, database.*: its encoding is {encoding}(.|\n)*ENCODING 'UTF8'",
    ):
        async with open_database(url):
            pass


async def test_a_database_that_forgets_what_it_has_acknowledged_is_refused(postgres_server: Postgres) -> None:
    url = await postgres_server.database(synchronous_commit="off")
    with pytest.raises(WriteStoreUnavailable, match="synchronous_commit is off"):
        async with open_database(url):
            pass


async def test_a_database_that_can_only_be_read_is_refused_at_the_start(postgres_server: Postgres) -> None:
    url = await postgres_server.database()
    async with open_database(url):
        pass
    await postgres_server.set_default(url, default_transaction_read_only="on")
    async with open_database(url) as engines:
        with pytest.raises(WriteStoreUnavailable, match=r"read-only transaction(.|\n)*DATABASE_URL"):
            await Store(engines).refuse_if_read_only()
        with pytest.raises(WriteStoreUnavailable, match="is read-only"):
            await Store(engines).turn("book", 0)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"], ids=["NUL", "surrogate"])
async def test_a_text_that_it_can_not_encode_is_no_reason_to_try_again(store: Store, name: str) -> None:
    with pytest.raises(RuleBroken):
        async with store.begin(cause()) as work:
            await work.commit(name)
    await store.turn("book", 0)


async def test_a_table_that_another_process_migrates_is_to_be_tried_again(store: Store) -> None:
    await store.turn("book", 0)
    await store.seen()
    async with store.engines.writing.begin() as connection:
        await connection.execute(text("ALTER TABLE events ALTER COLUMN stream TYPE text"))
    with pytest.raises(WriteStoreUnavailable, match="does not answer"):
        await store.seen()  # by a statement that was prepared for the table as it was
    assert await store.seen() == [(1, "book")]


async def test_who_waits_in_vain_for_a_lock_reads_again_and_decides_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres._SETTINGS, "lock_timeout", "100ms")
    async with open_database(postgres_url) as engines:
        store = Store(engines)
        await store.turn("book", 0)
        async with engines.writing.begin() as other:
            await other.execute(text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
            with pytest.raises(WriteStoreUnavailable, match="does not answer") as silence:
                await store.seen()
            assert is_away(silence.value), "a process that starts now waits for it"
            with pytest.raises(Conflict):
                await store.turn("book", 1)
        assert await store.seen() == [(1, "book")]


async def test_a_right_that_is_missing_is_the_operators_to_mend(store: Store) -> None:
    async with store.engines.writing.begin() as connection:
        await connection.execute(text("CREATE ROLE reader"))
        await connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))

    async def write_as_a_reader() -> None:
        async with store.begin(cause()) as work:
            await work.rows.execute(text("SET LOCAL ROLE reader"))
            await work.commit("")

    with pytest.raises(WriteStoreUnavailable, match="lacks something"):
        await write_as_a_reader()


@pytest.mark.parametrize("url", ["mysql://here/there", "postgresql://here/there", "diptych"])
async def test_names_the_stores_that_there_are(url: str) -> None:
    with pytest.raises(WriteStoreUnavailable) as refused:
        async with open_database(url):
            pass
    assert "sqlite+aiosqlite" in str(refused.value)
    assert "postgresql+asyncpg" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "postgresql+asyncpg://ada:secret@127.0.0.1:1/shop",
            "(PostgreSQL, database shop at 127.0.0.1:1): Connection refused.",
        ),
        ("postgresql+asyncpg://nobody@/nothing?host=/nowhere", "at /nowhere): No such file or directory."),
        ("postgresql+asyncpg://ada:secret@here.invalid/shop", "at here.invalid): "),
        ("postgresql+asyncpg://ada:secret@127.0.0.1/shop?speed=7", "unexpected keyword argument 'speed'"),
        ("postgresql+asyncpg://ada@127.0.0.1:secret/shop", "the port is a number"),
        ("sqlite+aiosqlite://", "Set it to a URL like sqlite+aiosqlite:///file"),
        ("sqlite+aiosqlite://ada:secret@host/file", "Set it to a URL like sqlite+aiosqlite:///file"),
        ("sqlite+aiosqlite:////nowhere/write.db", "(SQLite, /nowhere/write.db): No such file or directory."),
    ],
)
async def test_a_store_that_can_not_be_opened_is_named_without_its_password(url: str, said: str) -> None:
    with pytest.raises(WriteStoreUnavailable) as refused:
        async with open_database(url):
            pass
    assert said in str(refused.value)
    assert "DATABASE_URL" in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_server_that_takes_connections_and_says_nothing_is_given_up_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+asyncpg://ada@127.0.0.1:{silent.getsockname()[1]}/shop"
        with pytest.raises(WriteStoreUnavailable, match="it does not answer"):
            async with asyncio.timeout(PATIENCE), open_database(url):
                pass
