"""The events that a process gets of others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from app.cqrs.log.events import Appended, RecordedEvent, UnknownEvent
from app.cqrs.log.stored import StoredEvent
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.nats.connection import Connection
from app.stores.nats.events.wire import chained, encoded
from app.stores.nats.opening import open_nats, servers_in, token_of
from app.stores.nats.parts import Nats
from tests.nats import NatsServer
from tests.stores.nats.pages import PATIENCE, Log, a_name, equals, publishing


class Relay:
    """What a relay is handed over."""

    def __init__(self) -> None:
        self.events: list[RecordedEvent] = []
        self.batches: list[Appended] = []
        self.looks = 0
        self.moved = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def hand_over(self, appended: Appended) -> None:
        self.batches.append(appended)
        self.events += appended.events()
        assert len(appended.events()) == appended.count
        assert appended.last == self.events[-1].position
        self._stir()

    def look(self) -> None:
        self.looks += 1
        self._stir()

    async def has(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE), self.moved:
            await self.moved.wait_for(lambda: len(self.events) >= count)

    async def looked(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE), self.moved:
            await self.moved.wait_for(lambda: self.looks >= times)

    def _stir(self) -> None:
        task = asyncio.create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self.moved:
            self.moved.notify_all()


@asynccontextmanager
async def hearing(url: str, database: str, log: Log, relay: Relay) -> AsyncIterator[Nats]:
    async with (
        open_nats(url, "hearer", database=database) as nats,
        nats.subscribing(log.decoded, relay.hand_over, relay.look),
    ):
        await relay.looked(1)
        yield nats


async def test_what_others_commit_arrives_as_the_log_has_it(nats: NatsServer, log: Log) -> None:
    name, relay = a_name(), Relay()
    async with publishing(nats.url, name, log), hearing(nats.url, name, log, relay):
        for _ in range(10):
            await log.turn(3)
        await relay.has(30)
    assert relay.events == await log.read(after=0, limit=100)
    assert [each.after for each in relay.batches][1:] == [
        each.events()[-1].event_id for each in relay.batches
    ][:-1]


async def test_an_event_that_this_program_does_not_know_arrives_like_any_other(
    nats: NatsServer, log: Log
) -> None:
    name, relay = a_name(), Relay()
    await log.turn()
    [known] = await log.read_stored(after=0, limit=1)
    foreign = StoredEvent(
        **{field: getattr(known, field) for field in known.__struct_fields__}
        | {"type": "BookBurnt", "schema_version": 3, "data": '{"at":"night"}'}
    )
    async with hearing(nats.url, name, log, relay), sending(nats.url) as connection:
        [event] = chained(None, [foreign])
        connection.send(f"diptych.{token_of(name)}.events", encoded(event, 1_000))
        await relay.has(1)
    assert relay.events[0].event == UnknownEvent(data='{"at":"night"}')
    assert relay.events[0].type == "BookBurnt"


async def test_what_is_out_of_order_is_put_in_order_and_what_is_missing_is_left_to_the_log(
    nats: NatsServer, log: Log
) -> None:
    name, relay = a_name(), Relay()
    await log.turn(8)
    events = [*chained(None, await log.read_stored(after=0, limit=8))]
    async with hearing(nats.url, name, log, relay), sending(nats.url) as connection:
        for position in (1, 3, 2, 4, 2, 5, 7, 8):
            connection.send(f"diptych.{token_of(name)}.events", encoded(events[position - 1], 10_000))
        await relay.has(7)
    assert [each.position for each in relay.events] == [1, 2, 3, 4, 5, 7, 8]
    assert relay.batches[-1].after == events[5].event_id, "by which the relay notices that one is missing"


async def test_an_event_that_is_too_large_or_damaged_has_the_relay_look_at_the_log(
    nats: NatsServer, log: Log
) -> None:
    name, relay = a_name(), Relay()
    await log.turn()
    [event] = chained(None, await log.read_stored(after=0, limit=1))
    async with hearing(nats.url, name, log, relay), sending(nats.url) as connection:
        connection.send(f"diptych.{token_of(name)}.events", encoded(event, 100))
        await relay.looked(2)
        connection.send(f"diptych.{token_of(name)}.events", b"nonsense")
        await relay.looked(3)
    assert relay.events == []


async def test_a_lost_connection_has_the_relay_look_at_the_log(own_nats: NatsServer, log: Log) -> None:
    name, relay = a_name(), Relay()
    async with publishing(own_nats.url, name, log) as stream, hearing(own_nats.url, name, log, relay):
        await log.turn()
        await relay.has(1)
        looks = relay.looks
        await own_nats.kill()
        await log.turn()
        await own_nats.start()
        await relay.looked(looks + 1)
        await equals(stream, log)
        seen = len(relay.events)
        await log.turn()
        await relay.has(seen + 1)
    assert relay.events[-1].position == 3


class Away:
    """A log that does not answer."""

    async def head(self) -> int:
        raise WriteStoreUnavailable("away")

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        raise WriteStoreUnavailable("away")


async def test_the_stream_is_read_while_the_log_is_away(nats: NatsServer, log: Log) -> None:
    await log.turn(1_500)
    async with publishing(nats.url, a_name(), log) as stream:
        await equals(stream, log)
        away = stream.or_stream(Away(), log.decoded)
        assert await away.head() == 1_500
        assert await away.read(after=0, limit=2_000) == await log.read(after=0, limit=2_000)
        assert await away.read(after=1_200, limit=10) == await log.read(after=1_200, limit=10)
        with pytest.raises(WriteStoreUnavailable):  # There may be one, which was not published.
            await away.read(after=1_500, limit=10)
        at_hand = stream.or_stream(log, log.decoded)
        assert await at_hand.read(after=1_500, limit=10) == []


async def test_the_error_of_the_log_stays_if_the_stream_is_away_too(own_nats: NatsServer, log: Log) -> None:
    async with publishing(own_nats.url, a_name(), log) as stream:
        away = stream.or_stream(Away(), log.decoded)
        await own_nats.kill()
        with pytest.raises(WriteStoreUnavailable, match="away"):
            await away.read(after=0, limit=10)
        with pytest.raises(WriteStoreUnavailable, match="away"):
            await away.head()


@asynccontextmanager
async def sending(url: str) -> AsyncIterator[Connection]:
    """A connection of somebody who publishes what they like."""
    connection = Connection(servers_in(url), "sender")
    found = asyncio.Event()
    with connection.moving(lambda _found: found.set()):
        task = asyncio.create_task(connection.run())
        await found.wait()
        yield connection
        await connection.flush()
        connection.close()
        task.cancel()
        await asyncio.wait([task])
