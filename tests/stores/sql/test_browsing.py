"""Operators search the log: what they find, and how much one search looks at."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from app.cqrs.commands.write_store import Cause
from app.cqrs.log.browsing import FoundEvents, WantedEvents
from app.cqrs.log.events import EventTypes
from app.cqrs.log.upcasting import Data
from app.cqrs.messages import Event
from app.stores.sql.engines.opening import Engines, open_database
from app.stores.sql.operating import browsing
from app.stores.sql.transactions import events
from app.stores.sql.write_store import SqlWriteStore

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


class PageTurned(Event):
    page: int


class BookOpened(Event):
    page: int


class BookClosed(Event):
    page: int


@pytest.fixture
async def engines(database_url: str) -> AsyncIterator[Engines]:
    async with open_database(database_url) as engines:
        yield engines


@pytest.fixture
def store(engines: Engines) -> SqlWriteStore:
    types = EventTypes()
    types.add(PageTurned, BookOpened, BookClosed)

    @types.upcasters.step(("LeafTurned", 1), ("PageTurned", 1))
    def renamed(data: Data) -> Data:
        return data

    @types.upcasters.step(("BookSkimmed", 1), ("BookOpened", 1), ("BookClosed", 1))
    def split(data: Data) -> tuple[Data, Data]:
        return data, data

    return SqlWriteStore(engines, types)


async def turn(
    store: SqlWriteStore, stream: str, version: int, *recorded: Event, actor: str = "Ada"
) -> Cause:
    id = uuid7()
    cause = Cause(command_id=id, correlation_id=id, actor=actor, at=datetime.now(UTC))
    async with store.begin(cause) as work:
        work.record(stream, version, recorded)
        await work.commit("")
    return cause


async def stored(engines: Engines, *rows: dict[str, Any]) -> None:
    """Put events into an empty log, an hour after one another, from the beginning of the year on."""
    whole = []
    for position, row in enumerate(rows, 1):
        at = NEW_YEAR + timedelta(hours=position)
        id = UUID(int=(int(at.timestamp() * 1000) << 80) + position)
        usual = {"stream": "book-1", "stream_version": position, "type": "PageTurned", "actor": "Ada"}
        ids = {"event_id": id, "command_id": id, "correlation_id": id, "causation_id": id}
        fixed = {"position": position, "schema_version": 1, "data": '{"page": 1}', "occurred_at": at}
        whole.append({**fixed, **ids, **usual, **row})
    async with engines.writing.connect() as connection:
        rows_of = engines.database.rows(connection)
        await rows_of.execute(events.insert(), whole)
        await rows_of.commit()


async def found(store: SqlWriteStore, limit: int = 50, **wanted: Any) -> list[int]:
    result = await store.browse(WantedEvents(**wanted), before=None, limit=limit)
    return [event.position for event in result.events]


async def all_pages(store: SqlWriteStore, limit: int, **wanted: Any) -> Sequence[FoundEvents]:
    pages, before = list[FoundEvents](), None
    while not pages or pages[-1].has_more:
        pages.append(await store.browse(WantedEvents(**wanted), before=before, limit=limit))
        before = pages[-1].searched_to
    return pages


async def test_events_are_found_by_each_condition_and_by_all_together(store: SqlWriteStore) -> None:
    assert await found(store) == []
    first = await turn(store, "book-1", 0, PageTurned(page=1), BookOpened(page=2))
    other = await turn(store, "book-2", 0, PageTurned(page=1), actor="Bob")
    await turn(store, "book-1", 2, PageTurned(page=3), actor="Bob")
    assert await found(store) == [4, 3, 2, 1]
    assert await found(store, limit=3) == [4, 3, 2]
    assert await found(store, stream="book-1") == [4, 2, 1]
    assert await found(store, actor="Bob") == [4, 3]
    assert await found(store, command_id=first.command_id) == [2, 1]
    assert await found(store, correlation_id=other.correlation_id) == [3]
    assert await found(store, types=["BookOpened", "BookClosed"]) == [2]
    assert await found(store, types=["PageTurned"], stream="book-1", actor="Bob") == [4]
    assert await found(store, command_id=first.command_id, actor="Bob") == []
    assert await found(store, command_id=uuid7()) == []


async def test_events_are_found_by_the_time_of_their_recording(
    store: SqlWriteStore, engines: Engines
) -> None:
    await stored(engines, *({} for _ in range(12)))
    hour = [NEW_YEAR + timedelta(hours=hours) for hours in range(14)]
    assert await found(store, at_from=hour[3], at_to=hour[6]) == [5, 4, 3]
    assert await found(store, at_from=hour[11]) == [12, 11]
    assert await found(store, at_to=hour[2]) == [1]
    assert await found(store, at_to=hour[1]) == await found(store, at_from=hour[13]) == []
    assert await found(store, at_from=hour[3], stream="book-1", actor="Ada", limit=2) == [12, 11]


async def test_events_are_found_by_the_types_that_they_have_and_once_had(
    store: SqlWriteStore, engines: Engines
) -> None:
    await stored(engines, {}, {"type": "LeafTurned"}, {"type": "BookSkimmed"}, {"type": "Unheard"})
    assert await found(store, types=["PageTurned"]) == [2, 1]
    assert await found(store, types=["LeafTurned"]) == [2]
    assert await found(store, types=["Unheard"]) == [4]
    result = await store.browse(WantedEvents(types=["BookClosed"]), before=None, limit=5)
    assert [event.type for event in result.events] == ["BookClosed"]
    result = await store.browse(WantedEvents(), before=None, limit=2)
    assert [event.type for event in result.events] == ["Unheard", "BookOpened", "BookClosed"]


@pytest.mark.parametrize("wanted", [{"actor": "Eve"}, {"actor": "Eve", "stream": "book-1"}])
async def test_a_search_for_what_is_rare_ends_early_and_goes_on_until_all_is_found(
    store: SqlWriteStore, engines: Engines, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, str]
) -> None:
    monkeypatch.setattr(browsing, "SEARCHED", 10)
    rare = {"actor": "Eve"}
    await stored(engines, *(rare if number in (1, 57, 58, 59) else {} for number in range(1, 101)))
    pages = await all_pages(store, 2, **wanted)
    assert [event.position for page in pages for event in page.events] == [59, 58, 57, 1]
    assert len(pages) == 11  # ten tenths of the log, and one page that was full
    assert [page.searched_to for page in pages[:5]] == [91, 81, 71, 61, 58]
    assert (pages[-1].searched_to, pages[-1].has_more) == (1, False)


async def test_a_search_from_the_oldest_event_on_finds_the_same(
    store: SqlWriteStore, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "SEARCHED", 10)
    rare = {"actor": "Eve"}
    await stored(engines, *(rare if number in (2, 57, 58, 59) else {} for number in range(1, 101)))
    for wanted in (WantedEvents(actor="Eve"), WantedEvents(actor="Eve", stream="book-1")):
        found, after, has_more = list[int](), 0, True
        while has_more:
            result = await store.browse_back(wanted, after=after, limit=2)
            found += [event.position for event in reversed(result.events)]
            after, has_more = result.searched_to, result.has_more
        assert found == [2, 57, 58, 59]
        assert after == 100


async def test_a_search_never_waits_for_a_command_that_holds_the_head_of_the_log(
    store: SqlWriteStore,
) -> None:
    await turn(store, "book-1", 0, PageTurned(page=1))
    id = uuid7()
    cause = Cause(command_id=id, correlation_id=id, actor="Ada", at=datetime.now(UTC))
    async with store.begin(cause) as work:
        work.record("book-1", 1, [PageTurned(page=2)])
        await work.take_positions()
        assert await found(store) == [1]
        await work.commit("")
    assert await found(store) == [2, 1]
