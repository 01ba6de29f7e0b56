import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from uuid import UUID

import pytest
from msgspec import UNSET, UnsetType
from uuid_utils.compat import uuid7

from app.cqrs.commands import bus as command_bus
from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.fingerprints import fingerprint, former_fingerprint
from app.cqrs.commands.outcomes import CommandIdReused, InvalidInput, NotFound, Receipt, Refused, refused
from app.cqrs.commands.rules import EVERYBODY
from app.cqrs.commands.write_store import Cause, Conflict
from app.cqrs.log.events import EventTypes
from app.cqrs.messages import Command, Event
from app.cqrs.texts import in_one_form
from app.cqrs.unavailable import WriteStoreUnavailable
from app.cqrs.viewers import OPEN, Scope, Sight, Viewer
from app.server.logs import FORMATTERS
from app.stores.sql.engines.opening import open_database
from app.stores.sql.transactions import SqlWork
from app.stores.sql.write_store import SqlWriteStore

NOW = datetime(2024, 5, 31, 12, tzinfo=UTC)
BOOK = UUID(int=1)
ADA, BOB = (Viewer(actor=name, scope=Scope(Sight.STAFF)) for name in ("Ada", "Bob"))


class TurnPage(Command):
    page: int
    at_price: Decimal = Decimal(0)
    note: str | UnsetType | None = UNSET


class PageTurned(Event):
    page: int


@dataclass(frozen=True)
class Book:
    id: UUID
    version: int


@dataclass
class Desk:
    """A bus with one command, whose handler can be told to lose races."""

    store: SqlWriteStore
    races_to_lose: int = 0
    committed: list[Receipt] = field(default_factory=list)
    calls: int = 0

    def __post_init__(self) -> None:
        self.bus = CommandBus(
            self.store,
            {TurnPage: self.turn_page},
            {TurnPage: EVERYBODY},
            committed=lambda receipt, _actor: self.committed.append(receipt),
            clock=lambda: NOW,
        )

    async def turn_page(self, command: TurnPage, work: SqlWork) -> Refused | Book:
        self.calls += 1
        work.record("book-1", command.page - 1, [PageTurned(page=command.page)])
        if self.calls <= self.races_to_lose:
            raise Conflict
        if command.page > 100:
            return refused(InvalidInput(message="There is no such page.", path=("page",)))
        return Book(BOOK, command.page)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    types = EventTypes()
    types.add(PageTurned)
    async with open_database(database_url) as engines:
        yield Desk(SqlWriteStore(engines, types))


async def test_a_command_repeated_in_the_other_form_of_its_text_is_the_same_command(desk: Desk) -> None:
    id = uuid7()
    first = await desk.bus.execute(TurnPage(page=1, note="Caf\u00e9"), viewer=OPEN, command_id=id)
    again = await desk.bus.execute(TurnPage(page=1, note="Cafe\u0301"), viewer=OPEN, command_id=id)
    assert isinstance(first, Receipt)
    assert again == first
    other = await desk.bus.execute(TurnPage(page=1, note="Cafe"), viewer=OPEN, command_id=id)
    assert isinstance(other, Refused)


async def test_an_accepted_command_has_a_receipt_that_names_its_events(desk: Desk) -> None:
    id = uuid7()
    receipt = await desk.bus.execute(TurnPage(page=1), command_id=id, viewer=ADA)
    assert isinstance(receipt, Receipt)
    (mark,) = receipt.events
    assert (receipt.command_id, mark.type, mark.stream, mark.position) == (id, "PageTurned", "book-1", 1)
    (event,) = await desk.store.read(after=0, limit=10)
    assert (event.command_id, event.actor, event.occurred_at) == (id, "Ada", NOW)
    assert desk.committed == [receipt]


async def test_a_refused_command_leaves_nothing_and_tells_nobody(desk: Desk) -> None:
    assert isinstance(await desk.bus.execute(TurnPage(page=101), viewer=OPEN), Refused)
    assert await desk.store.head() == 0
    assert desk.committed == []


async def test_a_refusal_covers_all_that_was_there_when_it_was_decided(desk: Desk) -> None:
    first = await desk.bus.execute(TurnPage(page=101), viewer=OPEN)
    assert (type(first), first.covered) == (Refused, 0)
    await desk.bus.execute(TurnPage(page=1), viewer=OPEN)
    second = await desk.bus.execute(TurnPage(page=101), viewer=OPEN)
    assert (type(second), second.covered) == (Refused, 1)


async def test_a_refusal_covers_the_commands_before_it_in_its_transaction(desk: Desk) -> None:
    pages = (1, 2, 101, 3)  # the first goes at once, the others go together
    outcomes = await asyncio.gather(*(desk.bus.execute(TurnPage(page=page), viewer=OPEN) for page in pages))
    assert [outcome.covered for outcome in outcomes] == [1, 2, 2, 3]
    assert isinstance(outcomes[2], Refused)


async def test_an_id_that_was_used_before_is_refused_with_what_the_earlier_command_did(desk: Desk) -> None:
    id = uuid7()
    await desk.bus.execute(TurnPage(page=1), viewer=OPEN, command_id=id)
    reused = await desk.bus.execute(TurnPage(page=2), viewer=OPEN, command_id=id)
    assert (type(reused), reused.covered) == (Refused, 1)


async def test_a_lost_race_is_run_again(desk: Desk) -> None:
    desk.races_to_lose = 3
    assert isinstance(await desk.bus.execute(TurnPage(page=1), viewer=OPEN), Receipt)
    assert (desk.calls, await desk.store.head()) == (4, 1)


async def test_who_loses_every_race_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_bus, "ATTEMPTS", 3)
    desk.races_to_lose = 3
    with pytest.raises(Conflict, match="faster 3 times in a row") as lost:
        await desk.bus.execute(TurnPage(page=1), viewer=OPEN)
    assert desk.calls == 3
    id = id_in(lost.value)
    receipt = await desk.bus.execute(TurnPage(page=1), viewer=OPEN, command_id=id)
    assert isinstance(receipt, Receipt)
    assert receipt.command_id == id


async def test_log_lines_about_a_command_name_it_and_not_its_sender(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_bus, "ATTEMPTS", 1)
    written, desk.races_to_lose, id = StringIO(), 1, uuid7()
    handler = logging.StreamHandler(written)
    handler.setFormatter(FORMATTERS["json"]())
    logging.getLogger().addHandler(handler)
    try:
        with pytest.raises(Conflict):
            await desk.bus.execute(TurnPage(page=1, note="for Eve"), viewer=ADA, command_id=id)
        await desk.bus.execute(TurnPage(page=1), viewer=ADA)
        logging.getLogger("app").warning("Afterwards.")
    finally:
        logging.getLogger().removeHandler(handler)
    lost, afterwards = map(json.loads, written.getvalue().splitlines())
    assert {name: lost[name] for name in ("command", "command_id", "correlation_id", "sight")} == {
        "command": "TurnPage",
        "command_id": str(id),
        "correlation_id": str(id),
        "sight": "staff",
    }
    assert "Ada" not in written.getvalue()
    assert "Eve" not in written.getvalue()
    assert "command" not in afterwards


async def test_who_hears_no_answer_is_told_the_id_that_the_command_was_given(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = SqlWork.commit

    async def loses_the_answer(work: SqlWork, fingerprint: str) -> Receipt:
        await commit(work, fingerprint)
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(SqlWork, "commit", loses_the_answer)
        with pytest.raises(WriteStoreUnavailable, match="does not answer") as lost:
            await desk.bus.execute(TurnPage(page=1), viewer=OPEN)
    receipt = await desk.bus.execute(TurnPage(page=1), viewer=OPEN, command_id=id_in(lost.value))
    assert isinstance(receipt, Receipt)
    assert receipt.position == await desk.store.head() == 1
    assert desk.calls == 1


def id_in(error: Exception) -> UUID:
    """The command's id, as an error's text has it."""
    [id] = re.findall("With the commandId ([-0-9a-f]{36}) the command takes effect once", str(error))
    return UUID(id)


async def test_a_repeated_id_gets_the_same_receipt_and_takes_effect_once(desk: Desk) -> None:
    id = uuid7()
    repeats = (desk.bus.execute(TurnPage(page=1, note="x"), viewer=OPEN, command_id=id) for _ in range(10))
    receipts = await asyncio.gather(*repeats)
    assert all(receipt == receipts[0] for receipt in receipts)
    assert (len(desk.committed), await desk.store.head()) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        TurnPage(page=2, note=None),
        TurnPage(page=1),
        TurnPage(page=1, note=""),
        TurnPage(page=1, note="\ud800"),
        TurnPage(page=1, note=None, at_price=Decimal(1)),
    ],
)
async def test_refuses_a_used_id_with_a_different_input(desk: Desk, other: TurnPage) -> None:
    id = uuid7()
    await desk.bus.execute(TurnPage(page=1, note=None), viewer=OPEN, command_id=id)
    outcome = await desk.bus.execute(other, viewer=OPEN, command_id=id)
    assert isinstance(outcome, Refused)
    assert [type(error) for error in outcome.errors] == [CommandIdReused]
    assert desk.calls == 1


async def test_an_id_belongs_to_its_actor(desk: Desk) -> None:
    id = uuid7()
    hers = await desk.bus.execute(TurnPage(page=1), viewer=ADA, command_id=id)
    for _ in range(2):
        his = await desk.bus.execute(TurnPage(page=2), viewer=BOB, command_id=id)
        assert isinstance(his, Receipt)
        assert [mark.position for mark in his.events] == [2]
    assert await desk.bus.execute(TurnPage(page=1), viewer=ADA, command_id=id) == hers
    assert [event.actor for event in await desk.store.read(after=0, limit=9)] == ["Ada", "Bob"]


async def test_two_actors_may_send_the_same_id_at_once(desk: Desk) -> None:
    id = uuid7()
    outcomes = await asyncio.gather(
        *(
            desk.bus.execute(TurnPage(page=number + 1), viewer=who, command_id=id)
            for number, who in enumerate((OPEN, ADA, BOB))
        )
    )
    assert [mark.position for each in outcomes if isinstance(each, Receipt) for mark in each.events] == [
        1,
        2,
        3,
    ]


DECOMPOSED = TurnPage(page=1, note="Cafe\u0301")


@pytest.mark.parametrize(
    "stored",
    [
        fingerprint(in_one_form(DECOMPOSED)),
        former_fingerprint(in_one_form(DECOMPOSED)),
        former_fingerprint(DECOMPOSED),
    ],
    ids=["now", "with its defaults", "before text had one form"],
)
async def test_a_repeat_is_recognised_by_what_an_earlier_version_stored(desk: Desk, stored: str) -> None:
    asked = Cause(command_id=uuid7(), correlation_id=uuid7(), actor=ADA.actor, at=NOW)
    async with desk.store.begin(asked) as work:
        first = await work.commit(stored)
    assert await desk.bus.execute(DECOMPOSED, viewer=ADA, command_id=asked.command_id) == first
    assert desk.calls == 0


async def test_the_id_of_a_refused_command_is_not_used_up(desk: Desk) -> None:
    id = uuid7()
    await desk.bus.execute(TurnPage(page=101), viewer=OPEN, command_id=id)
    assert isinstance(await desk.bus.execute(TurnPage(page=1), viewer=OPEN, command_id=id), Receipt)


async def test_commands_of_two_clients_do_not_get_in_each_others_way(desk: Desk) -> None:
    outcomes = await asyncio.gather(
        *(desk.bus.execute(TurnPage(page=page), viewer=OPEN) for page in range(1, 41))
    )
    receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    assert sorted(receipt.position or 0 for receipt in receipts) == list(range(1, 41))


def test_a_refusal_knows_its_code_and_its_data() -> None:
    error = NotFound(message="There is no book with this id.", kind="book", id=BOOK, path=("book_id",))
    assert (error.code, error.kind, error.path) == ("NOT_FOUND", "book", ("book_id",))
