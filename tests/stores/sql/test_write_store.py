import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Insert, insert, text, update
from sqlalchemy.exc import DBAPIError, StatementError
from uuid_utils.compat import uuid7

from app.cqrs.commands.outcomes import CommandKey
from app.cqrs.commands.write_store import Cause, Conflict
from app.cqrs.impersonal import outline
from app.cqrs.log.events import (
    Appended,
    EventTypes,
    RecordedEvent,
    UndeclaredEvent,
    UnknownEvent,
    UnreadableEvent,
)
from app.cqrs.messages import Event
from app.cqrs.unavailable import WriteStoreUnavailable
from app.domain.catalog.tables import products
from app.domain.customers.tables import customers
from app.domain.stock.tables import stocks
from app.stores.sql.codec import EventCodec
from app.stores.sql.engines.opening import Engines, open_database
from app.stores.sql.transactions import SqlWork, commands, events
from app.stores.sql.write_store import RuleBroken, SqlWriteStore

AT = datetime(2024, 5, 31, 14, tzinfo=timezone(timedelta(hours=2)))


class PageTurned(Event):
    page: int


def cause() -> Cause:
    return Cause(command_id=uuid7(), correlation_id=uuid7(), actor="Ada ☕", at=AT)


@pytest.fixture
async def engines(database_url: str) -> AsyncIterator[Engines]:
    async with open_database(database_url) as engines:
        yield engines


@pytest.fixture
def store(engines: Engines) -> SqlWriteStore:
    types = EventTypes()
    types.add(PageTurned)
    return SqlWriteStore(engines, types)


async def turn(store: SqlWriteStore, stream: str, version: int, *pages: int) -> None:
    async with store.begin(cause()) as work:
        work.record(stream, version, [PageTurned(page=page) for page in pages])
        await work.commit("")


async def test_an_empty_log_has_its_head_at_zero(store: SqlWriteStore) -> None:
    assert await store.head() == 0
    assert await store.read(after=0, limit=10) == []


async def test_an_event_is_read_as_it_was_recorded(store: SqlWriteStore) -> None:
    asked = cause()
    async with store.begin(asked) as work:
        work.record("book-1", 0, [PageTurned(page=1)])
        work.record("book-2", 6, [PageTurned(page=7), PageTurned(page=8)])
        receipt = await work.commit("")
    first, _, third = await store.read(after=0, limit=10)
    assert first.event == PageTurned(page=1)
    assert (third.stream, third.stream_version, third.type) == ("book-2", 8, "PageTurned")
    assert (third.actor, third.causation_id) == ("Ada ☕", asked.command_id)
    assert (third.command_id, third.correlation_id) == (asked.command_id, asked.correlation_id)
    assert (third.occurred_at, third.occurred_at.tzinfo) == (AT, UTC)
    assert [(mark.position, mark.event_id) for mark in receipt.events][2] == (3, third.event_id)
    assert receipt.position == await store.head() == 3


async def test_the_log_is_read_in_order_and_in_portions(store: SqlWriteStore) -> None:
    await turn(store, "book-1", 0, *range(7))
    portion = await store.read(after=2, limit=3)
    assert [event.position for event in portion] == [3, 4, 5]


async def test_others_have_a_turn_while_many_events_are_decoded(
    store: SqlWriteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would be answered until all of them are, which are 500."""
    await turn(store, "book-1", 0, *range(120))
    rows, decode = await store._rows(0, 120), EventCodec.event_in
    decoded, seen = list[RecordedEvent](), set[int]()

    def counted(*what: Any) -> RecordedEvent:
        decoded.append(decode(*what))
        return decoded[-1]

    async def look() -> None:
        while True:
            seen.add(len(decoded))
            await asyncio.sleep(0)

    monkeypatch.setattr(EventCodec, "event_in", counted)
    looking = asyncio.create_task(look())
    found = await store.decoded(rows)
    looking.cancel()
    assert [each.position for each in found] == [*range(1, 121)]
    assert seen >= {50, 100}


async def test_what_was_not_committed_never_was(store: SqlWriteStore) -> None:
    async with store.begin(cause()) as work:
        work.record("book-1", 0, [PageTurned(page=1)])
    with suppress(ZeroDivisionError):
        async with store.begin(cause()) as work:
            await work.rows.execute(update(products).values(version=1 // 0))
    await turn(store, "book-1", 0, 1)
    assert await store.head() == 1


async def test_a_stream_version_is_taken_once(store: SqlWriteStore) -> None:
    await turn(store, "book-1", 0, 1)
    with pytest.raises(Conflict):
        await turn(store, "book-1", 0, 2)
    assert await store.head() == 1


async def test_positions_have_no_gaps_and_rise_as_readers_see_them_however_many_write(
    store: SqlWriteStore,
) -> None:
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < 60:
            seen.extend(event.position for event in await store.read(after=len(seen), limit=100))

    writers = [turn(store, f"book-{number}", 0, 1, 2) for number in range(30)]
    await asyncio.gather(follow(), *writers)
    assert seen == list(range(1, 61))


async def test_the_events_of_each_commit_are_handed_over_as_a_reader_reads_them(engines: Engines) -> None:
    types, handed_over = EventTypes(), list[Appended]()
    types.add(PageTurned)
    store = SqlWriteStore(engines, types, handed_over.append)
    await turn(store, "book-1", 0, 1, 2)
    async with store.begin_group() as group:
        for number in (2, 3):
            work = await group.begin(cause())
            work.record(f"book-{number}", 0, [PageTurned(page=number)])
            group.accept(work, "")
        assert len(handed_over) == 1, "nothing before the commit"
        await group.commit()
    async with store.begin(cause()) as work:
        await work.commit("")
    with suppress(Conflict):
        await turn(store, "book-1", 0, 1)
    one, other = handed_over
    read = await store.read(after=0, limit=10)
    assert [*one.events(), *other.events()] == read
    assert [each.occurred_at.tzinfo for each in one.events()] == [UTC, UTC]
    assert (one.after, other.after) == (None, read[1].event_id)
    assert [(each.last, each.count) for each in handed_over] == [(2, 2), (4, 2)]


async def test_the_receipt_of_a_command_is_kept(store: SqlWriteStore) -> None:
    asked = cause()
    async with store.begin(asked) as work:
        work.record("book-1", 0, [PageTurned(page=1)])
        receipt = await work.commit("fingerprint")
    async with store.begin(cause()) as work:
        assert await work.earlier(asked.key) == ("fingerprint", receipt)
        assert await work.earlier(CommandKey(asked.actor, UUID(int=1))) is None


async def test_a_command_id_is_taken_once(store: SqlWriteStore) -> None:
    asked = cause()
    async with store.begin(asked) as work:
        await work.commit("")
    with pytest.raises(Conflict):
        async with store.begin(asked) as work:
            await work.commit("")


class Invented(Event):
    what: str


async def test_an_event_of_a_type_nobody_knows_is_kept_as_it_is(
    store: SqlWriteStore, engines: Engines
) -> None:
    newer = EventTypes()
    newer.add(Invented)
    async with SqlWriteStore(engines, newer).begin(cause()) as work:
        work.record("book-1", 0, [Invented(what="☕")])
        await work.commit("")
    (event,) = await store.read(after=0, limit=1)
    assert (event.type, event.event) == ("Invented", UnknownEvent(data='{"what":"☕"}'))


async def test_refuses_to_append_an_event_that_no_context_declares(store: SqlWriteStore) -> None:
    async with store.begin(cause()) as work:
        work.record("book-1", 0, [PageTurned(page=1), Invented(what="☕")])
        with pytest.raises(UndeclaredEvent, match="Invented is not declared by any context"):
            await work.commit("")
    assert await store.head() == 0


async def test_an_event_in_an_earlier_shape_is_read_in_that_of_today(engines: Engines) -> None:
    types = EventTypes()
    types.add(PageTurned)
    types.upcasters.step(("LeafTurned", 1), ("PageTurned", 1))(lambda data: {"page": 2 * data["leaf"]})
    store = SqlWriteStore(engines, types)
    await turn(store, "book-1", 0, 1)
    async with engines.writing.begin() as connection:
        await connection.execute(update(events).values(type="LeafTurned", data='{"leaf":21}'))
    (event,) = await store.read(after=0, limit=1)
    assert (event.type, event.event) == ("PageTurned", PageTurned(page=42))
    stored = await store.envelope(1)
    assert stored
    assert (stored["type"], stored["data"]) == ("LeafTurned", '{"leaf":21}')


@pytest.mark.parametrize(
    ("stored", "reason"), [({"schema_version": 2}, "newer"), ({"data": "{"}, "truncated")]
)
async def test_an_event_that_cannot_be_read_says_why_and_stops_no_reading(
    store: SqlWriteStore, engines: Engines, stored: dict[str, Any], reason: str
) -> None:
    await turn(store, "book-1", 0, 1)
    async with engines.writing.begin() as connection:
        await connection.execute(update(events).values(**stored))
    (event,) = await store.read(after=0, limit=1)
    assert isinstance(event.event, UnreadableEvent)
    assert reason in event.event.reason


async def test_a_moment_without_an_offset_is_a_bug(store: SqlWriteStore) -> None:
    vague = replace(cause(), at=datetime(2024, 5, 31))  # noqa: DTZ001
    with pytest.raises((StatementError, ValueError), match="the time 2024-05-31T00:00:00 has no UTC offset"):
        async with store.begin(vague) as work:
            await work.commit("")


async def test_a_table_that_is_gone_is_the_operators_to_mend(store: SqlWriteStore, engines: Engines) -> None:
    async with engines.writing.begin() as connection:
        await connection.execute(text("DROP TABLE commands"))
    with pytest.raises(WriteStoreUnavailable, match=r"lacks something.*when its operator has fixed that"):
        async with store.begin(cause()) as work:
            await work.commit("")


async def test_what_breaks_a_rule_of_the_store_is_a_bug_and_not_to_be_tried_again(
    store: SqlWriteStore,
) -> None:
    with pytest.raises(RuleBroken):
        async with store.begin(cause()) as work:
            await work.rows.execute(insert(commands), {"command_id": UUID(int=1)})
    await turn(store, "book-1", 0, 1)


async def test_a_cancelled_command_leaves_the_store_usable(store: SqlWriteStore) -> None:
    begun = asyncio.Event()

    async def never_ends() -> None:
        async with store.begin(cause()) as work:
            await _insert_something(work)
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(never_ends())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    await turn(store, "book-1", 0, 1)
    async with store.begin(cause()) as work:
        assert await work.earlier(CommandKey("Ada", UUID(int=1))) is None


async def _insert_something(work: SqlWork) -> None:
    row = {"command_id": UUID(int=1), "fingerprint": "", "receipt": "", "accepted_at": AT}
    await work.rows.execute(insert(commands), row)


STREET = "Rua da Alegria 27"


async def write(store: SqlWriteStore, *statements: Insert) -> None:
    """Carries out statements in one command."""
    async with store.begin(cause()) as work:
        for statement in statements:
            await work.rows.execute(statement)


def customer(**details: Any) -> Insert:
    return insert(customers).values({"id": uuid4(), "version": 1, "email_key": STREET, **details})


async def test_a_lost_race_names_the_constraint_and_not_the_value(store: SqlWriteStore) -> None:
    with pytest.raises(Conflict) as lost:
        await write(store, customer(), customer())
    assert "email_key" in str(lost.value)
    assert STREET not in str(lost.value)
    assert STREET not in outline(lost.value)


async def test_a_rule_that_is_broken_is_named_and_the_row_is_not_quoted(store: SqlWriteStore) -> None:
    row = {"product_id": uuid4(), "on_hand": 27, "reserved": 4711, "version": 1}
    with pytest.raises(RuleBroken) as broken:
        await write(store, customer(name=STREET), insert(stocks).values(row))
    assert "never_oversold" in str(broken.value)
    assert STREET not in outline(broken.value)
    assert "4711" not in outline(broken.value)
    assert "test_write_store.py" in outline(broken.value), "the operator is told where"


async def test_a_value_that_can_not_be_written_is_not_quoted(
    store: SqlWriteStore, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Exception) as refused:
        await write(store, customer(name=f"{STREET}\ud800"))
    assert STREET not in outline(refused.value)
    assert STREET not in caplog.text


async def test_parameters_are_hidden_in_what_sqlalchemy_says(store: SqlWriteStore) -> None:
    with pytest.raises((RuleBroken, WriteStoreUnavailable, Conflict)) as refused:
        await write(store, customer(version=None, name=STREET))
    cause = refused.value.__cause__
    assert isinstance(cause, DBAPIError)
    assert cause.hide_parameters
    assert STREET not in str(cause).partition("DETAIL")[0]
