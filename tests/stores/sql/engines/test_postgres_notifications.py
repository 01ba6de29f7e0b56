import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.head import Head
from app.cqrs.log.relay import Relay
from app.stores.sql.engines import postgres_notifications
from app.stores.sql.engines.opening import open_database
from app.stores.sql.engines.postgres_notifications import CHANNEL
from tests.postgres import postgres
from tests.stores.book import Heard, PageTurned, Store, cause, ended, soon


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[Store]:
    async with open_database(postgres_url) as engines:
        yield Store(engines)


async def test_the_relay_is_woken_by_what_another_process_commits(store: Store, postgres_url: str) -> None:
    bus = AsyncioEventBus()
    relay, heard = Relay(store, bus, Head(), backstop=1_000), Heard()

    async def wake() -> None:
        while await heard.told_of.get() is None:
            relay.wake()

    tasks = [asyncio.create_task(relay.run(0)), asyncio.create_task(store.listen(heard))]
    tasks.append(asyncio.create_task(wake()))
    with bus.subscribe() as batches:
        await heard.begins()
        async with open_database(postgres_url) as engines:
            await Store(engines).turn("book", 0)
        batch = await soon(batches.next())
    assert [event.event for event in batch.events] == [PageTurned(page=0)]
    await ended(*tasks)


async def test_tells_of_a_command_that_left_no_events_by_its_id(store: Store) -> None:
    heard, no_change = Heard(), cause()
    listener = asyncio.create_task(store.listen(heard))
    await heard.begins()
    await store.turn("book", 0)
    async with store.begin(no_change) as work:
        await work.commit("")
    await store.turn("book", 1)
    told = [await soon(heard.told_of.get()) for _ in range(3)]
    assert told == [None, no_change.command_id, None]
    await ended(listener)


async def test_a_notification_of_somebody_else_on_the_channel_is_taken_for_a_commit(store: Store) -> None:
    heard = Heard()
    listener = asyncio.create_task(store.listen(heard))
    await heard.begins()
    async with store.engines.reading.connect() as connection:
        await connection.execute(text(f"NOTIFY {CHANNEL}, 'good evening'"))
    assert await soon(heard.told_of.get()) is None
    await ended(listener)


async def test_a_standby_that_refuses_to_notify_is_asked_again_until_it_is_promoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = asyncio.Event()

    class Warned(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "ReadOnlySQLTransactionError" in record.getMessage():
                refused.set()

    monkeypatch.setattr(postgres_notifications.logger, "handlers", [Warned()])
    monkeypatch.setattr(postgres_notifications, "PAUSE", 0.02)
    async with postgres() as server, open_database(await server.database()) as engines:
        store, heard = Store(engines), Heard()
        await server.stop()
        await server.start_as_standby()
        listener = asyncio.create_task(store.listen(heard))
        await soon(refused.wait())
        await server.promote()
        await heard.begins()
        await engines.writing.dispose()  # of connections to the server that was stopped
        await store.turn("book", 0)
        assert await soon(heard.told_of.get()) is None
        await ended(listener)


async def test_an_error_that_nobody_expects_does_not_end_the_listening(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Surprised(Heard):
        surprises = 1

        def missed(self) -> None:
            if self.surprises:
                self.surprises -= 1
                raise ZeroDivisionError
            super().missed()

    monkeypatch.setattr(postgres_notifications, "PAUSE", 0.0)
    heard = Surprised()
    listener = asyncio.create_task(store.listen(heard))
    await heard.begins()
    assert "ZeroDivisionError" in caplog.text
    await ended(listener)
