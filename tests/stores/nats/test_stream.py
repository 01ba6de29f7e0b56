"""The stream equals the log, whatever happens to NATS."""

import asyncio
import sqlite3
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGSTOP
from uuid import UUID

import pytest

from app.cqrs.log.events import Appended
from app.stores.nats.opening import open_nats
from app.stores.nats.streams import Message
from app.stores.sql.engines.opening import open_database
from tests.nats import NatsServer
from tests.stores.nats.pages import Log, a_name, equals, publishing


async def test_each_commit_is_published_at_its_position(nats: NatsServer, log: Log) -> None:
    async with publishing(nats.url, a_name(), log) as stream:
        for _ in range(20):
            await log.turn()
        await log.turn(500)
        await equals(stream, log)


async def test_events_from_before_the_start_are_published(nats: NatsServer, log: Log) -> None:
    await log.turn(1_200)
    async with publishing(nats.url, a_name(), log) as stream:
        await equals(stream, log)


async def test_a_new_stream_begins_with_the_newest_events(
    nats: NatsServer, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.stores.nats.events.publisher.REFILLED", 100)
    await log.turn(250)
    async with publishing(nats.url, a_name(), log) as stream:
        await equals(stream, log, since=150)


async def test_two_processes_that_publish_at_once_publish_each_event_once(nats: NatsServer, log: Log) -> None:
    name = a_name()
    async with publishing(nats.url, name, log) as stream, publishing(nats.url, name, log) as other:
        for _ in range(50):
            await log.turn(7)
        await equals(stream, log)
        await equals(other, log)


async def test_a_publisher_that_comes_late_knows_it_at_once_and_nobody_calls_nats_away(
    nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_nats(nats.url, "late", database=a_name()) as late:
        await late.events.make()
        assert await late.events.append([Message(1, b"one"), Message(2, b"two")]) == 2
        async with asyncio.timeout(1):  # an answer that never comes would take two
            assert await late.events.append([Message(1, b"another"), Message(2, b"another")]) == 0
        assert await late.events.read(1, 10) == [(1, b"one"), (2, b"two")]
    assert "wrong last sequence" not in caplog.text


async def test_nothing_is_lost_or_doubled_if_nats_is_killed_while_events_are_published(
    own_nats: NatsServer, log: Log
) -> None:
    async def commit() -> None:
        for _ in range(150):
            await log.turn(5)
            await asyncio.sleep(0.01)

    async with publishing(own_nats.url, a_name(), log) as stream:
        committing = asyncio.create_task(commit())
        for _ in range(4):
            await asyncio.sleep(0.3)
            await own_nats.kill()
            await own_nats.start()
        await committing
        await equals(stream, log)


async def test_a_lost_store_is_filled_again(own_nats: NatsServer, log: Log) -> None:
    await log.turn(300)
    async with publishing(own_nats.url, a_name(), log) as stream:
        await equals(stream, log)
        await own_nats.kill()
        own_nats.lose_store()
        await log.turn(5)
        await own_nats.start()
        await log.turn(5)
        await equals(stream, log)


async def test_an_older_store_is_brought_up_to_date(own_nats: NatsServer, log: Log) -> None:
    await log.turn(100)
    async with publishing(own_nats.url, a_name(), log) as stream:
        await equals(stream, log)
        await own_nats.stop()
        saved = own_nats.save_store()
        await own_nats.start()
        await log.turn(400)
        await equals(stream, log)
        await own_nats.kill()
        own_nats.put_back(saved)
        await own_nats.start()
        await equals(stream, log)


async def test_the_stream_of_another_log_is_made_anew(nats: NatsServer, tmp_path: Path) -> None:
    name = a_name()
    async with open_database(f"sqlite+aiosqlite:///{tmp_path}/write.db") as engines:
        log = Log(engines)
        await log.turn(100)
        with sqlite3.connect(tmp_path / "write.db") as now, sqlite3.connect(tmp_path / "old.db") as then:
            now.backup(then)
        now.close()
        then.close()
        await log.turn(100)
        async with publishing(nats.url, name, log) as stream:
            await equals(stream, log)
    async with open_database(f"sqlite+aiosqlite:///{tmp_path}/old.db") as engines:
        older = Log(engines)
        async with publishing(nats.url, name, older) as stream:
            await equals(stream, older)
            await older.turn(50, stream="book-2")
            await equals(stream, older)
    async with open_database(f"sqlite+aiosqlite:///{tmp_path}/write.db") as engines:
        newer = Log(engines)
        async with publishing(nats.url, name, newer) as stream:  # which shares 100 events
            await equals(stream, newer)


async def test_a_stream_that_somebody_deletes_is_made_again(nats: NatsServer, log: Log) -> None:
    await log.turn(50)
    async with publishing(nats.url, a_name(), log) as stream:
        await equals(stream, log)
        await stream.events.remove()
        await log.turn()
        await equals(stream, log)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(4))
async def test_the_stream_equals_the_log_after_all_of_it_at_once(
    own_nats: NatsServer, log: Log, seed: int
) -> None:
    """Two processes publish, and one hears all of it, while NATS is killed, paused and robbed."""
    chance, name, over = Random(seed), a_name(), asyncio.Event()
    heard: dict[int, UUID] = {}

    def hand_over(appended: Appended) -> None:
        heard.update((event.position, event.event_id) for event in appended.events())

    async def commit() -> None:
        while not over.is_set():
            await log.turn(chance.randint(1, 9))
            await asyncio.sleep(0.005)

    async def trouble(kind: int) -> None:
        if kind == 0:
            own_nats.signal(SIGSTOP)
            await asyncio.sleep(chance.uniform(0.5, 2.5))
            own_nats.signal(SIGCONT)
            return
        await own_nats.kill()
        if kind == 1:
            own_nats.lose_store()
        elif kind == 2:
            own_nats.put_back(saved)
        await asyncio.sleep(chance.uniform(0, 0.5))
        await own_nats.start()

    async with (
        publishing(own_nats.url, name, log) as stream,
        publishing(own_nats.url, name, log) as other,
        open_nats(own_nats.url, "hearer", database=name) as hearer,
        hearer.subscribing(log.decoded, hand_over, lambda: None),
    ):
        await log.turn(200)
        await equals(stream, log)
        await own_nats.stop()
        saved = own_nats.save_store()
        await own_nats.start()
        committing = asyncio.create_task(commit())
        for kind in chance.choices(range(4), k=6):
            await trouble(kind)
            await asyncio.sleep(chance.uniform(0.2, 1))
        over.set()
        await committing
        await equals(stream, log)
        await equals(other, log)
    wanted = dict(await log.ids())
    assert heard.items() <= wanted.items(), "each event that arrived is that of the log"
    assert max(heard) > 200
