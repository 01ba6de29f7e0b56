"""The two ends of forwarded commands, without anything between them."""

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from app.cqrs.commands.carrying_out import Result
from app.cqrs.commands.forwarding import answering
from app.cqrs.commands.forwarding.answering import Answering
from app.cqrs.commands.forwarding.carrier import NoAnswer
from app.cqrs.commands.forwarding.encoding import CommandEncoding, CommandFailed, Request
from app.cqrs.commands.forwarding.forwarded import ForwardedCommands
from app.cqrs.commands.lists import Entry
from app.cqrs.commands.outcomes import InvalidInput, Receipt, Refused, refused
from app.cqrs.measured.spans import continuing, current_place
from app.cqrs.messages import Command
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable
from app.cqrs.viewers import OPEN, Viewer


class TurnPage(Command):
    """Turns a page."""

    page: int
    note: str = ""


class Desk:
    """A command bus that turns pages, and those behind the last one with a fault."""

    def __init__(self) -> None:
        self.turned: list[tuple[int, UUID | None]] = []
        self.places: list[str | None] = []
        """The places in traces from which commands were carried out."""
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def execute(
        self, command: Command, *, viewer: Viewer, command_id: UUID | None = None
    ) -> Receipt | Refused:
        assert isinstance(command, TurnPage)
        await self.go_on.wait()
        if command.page > 100:
            raise KeyError(f"{viewer.actor} has no page {command.page}")
        self.turned.append((command.page, command_id))
        self.places.append(current_place())
        return Receipt(command_id=command_id or uuid4(), events=())

    async def execute_all(
        self, entries: Sequence[Entry], *, viewer: Viewer, atomic: bool = False
    ) -> Sequence[Result]:
        return [
            each.command
            if isinstance(each.command, Refused)
            else await self.execute(each.command, viewer=viewer, command_id=each.command_id)
            for each in entries
        ]


class Between:
    """A carrier that loses some answers, and knows one process or none."""

    def __init__(self, desk: Desk, *, largest: int = 1_000_000) -> None:
        self.largest = largest
        self.lost = 0
        self.known = CommandEncoding([TurnPage], [])
        self.desk = desk
        self.asked: list[bytes] = []

    async def ask(self, request: bytes, patience: float) -> bytes:
        self.asked.append(request)
        answer = await Answering(self.desk, self.known, largest=lambda: self.largest).answer(request)
        if self.lost:
            self.lost -= 1
            raise NoAnswer
        return answer


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def between(desk: Desk) -> Between:
    return Between(desk)


def listed(count: int) -> Request:
    return Request(
        commands=[Entry(TurnPage(page=1), uuid4()) for _ in range(count)], viewer=OPEN, listed=True
    )


def forwarded(between: Between) -> ForwardedCommands:
    return ForwardedCommands(between, CommandEncoding([TurnPage], []), patience=0.2)


async def test_a_command_without_an_id_gets_one_that_its_repetitions_keep(
    desk: Desk, between: Between
) -> None:
    between.lost = 2
    receipt = await forwarded(between).execute(TurnPage(page=1), viewer=OPEN)
    assert isinstance(receipt, Receipt)
    assert desk.turned == [(1, receipt.command_id)] * 3
    assert len({*between.asked}) == 1


async def test_a_command_continues_the_trace_of_its_sender(desk: Desk, between: Between) -> None:
    place = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with continuing(place):
        await forwarded(between).execute(TurnPage(page=1), viewer=OPEN)
        [message] = between.asked
    await Answering(desk, between.known, largest=lambda: between.largest).answer(message)
    assert desk.places == [place, place]
    await forwarded(between).execute(TurnPage(page=2), viewer=OPEN)
    assert desk.places[-1] is None


async def test_a_fault_is_described_where_it_happened_and_named_to_the_sender(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CommandFailed, match="its log says more: error=KeyError") as failure:
        await forwarded(between).execute(TurnPage(page=101), viewer=OPEN)
    assert "no page" not in str(failure.value)
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "KeyError" in record.getMessage()
    assert "no page" not in record.getMessage(), "which may be personal"


async def test_text_that_is_no_unicode_arrives(desk: Desk, between: Between) -> None:
    assert isinstance(
        await forwarded(between).execute(TurnPage(page=1, note="\ud800 ☕"), viewer=OPEN), Receipt
    )


async def test_an_input_that_is_no_command_keeps_its_place_in_a_list(desk: Desk, between: Between) -> None:
    nonsense = refused(InvalidInput(message="It is no page.", path=("page",)))
    entries = [Entry(TurnPage(page=1), uuid4()), Entry(nonsense, uuid4()), Entry(TurnPage(page=2), uuid4())]
    first, second, third = await forwarded(between).execute_all(entries, viewer=OPEN)
    assert second == nonsense
    assert isinstance(first, Receipt)
    assert isinstance(third, Receipt)
    assert third.command_id == entries[2].command_id


async def test_a_command_that_no_process_knows_is_refused_with_what_to_do(between: Between) -> None:
    between.known = CommandEncoding([], [])
    id = uuid4()
    with pytest.raises(
        WriteStoreUnavailable, match=f"knows the command TurnPage. Update .* first. With the commandId {id} "
    ):
        await forwarded(between).execute(TurnPage(page=1), viewer=OPEN, command_id=id)
    assert len(between.asked) > 1, "another process may know it"


async def test_outcomes_that_are_too_large_are_an_error(between: Between) -> None:
    between.largest = 100
    answer = await between.ask(between.known.request(listed(20)), 1)
    with pytest.raises(CommandFailed, match="were carried out, but their outcomes are too large"):
        between.known.results(answer, 20)


async def test_more_requests_than_can_wait_are_refused_as_too_many(
    desk: Desk, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "MOST_AT_ONCE", 1)
    desk.go_on.clear()
    one = Answering(desk, between.known, largest=lambda: 1_000)
    request = between.known.request(listed(1))
    first = asyncio.create_task(one.answer(request))
    await asyncio.sleep(0)
    with pytest.raises(WriteStoreBusy):
        between.known.results(await one.answer(request), 1)
    desk.go_on.set()
    assert between.known.results(await first, 1)
