"""Commands that wait at the same moment: they share a transaction, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from app.cqrs.commands import lane
from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.outcomes import InvalidInput, Receipt, Refused, refused
from app.cqrs.commands.rules import EVERYBODY
from app.cqrs.commands.write_store import Cause
from app.cqrs.log.events import EventTypes
from app.cqrs.messages import Command, Event
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable
from app.cqrs.viewers import OPEN
from app.stores.sql.engines.opening import Engines, open_database
from app.stores.sql.groups import SqlGroup
from app.stores.sql.transactions import SqlWork
from app.stores.sql.write_store import SqlWriteStore

NOW = datetime(2026, 11, 28, tzinfo=UTC)


class WriteLetter(Command):
    text: str


class LetterWritten(Event):
    text: str


@dataclass(frozen=True)
class Letter:
    id: UUID
    version: int


class CountingStore(SqlWriteStore):
    def __init__(self, engines: Engines, types: EventTypes) -> None:
        super().__init__(engines, types)
        self.transactions = 0

    @asynccontextmanager
    async def begin(self, cause: Cause) -> AsyncIterator[SqlWork]:
        self.transactions += 1
        async with super().begin(cause) as work:
            yield work

    @asynccontextmanager
    async def begin_group(self) -> AsyncIterator[SqlGroup]:
        self.transactions += 1
        async with super().begin_group() as group:
            yield group


@dataclass
class Office:
    """A bus, whose first letter is held back until the others wait for it."""

    store: CountingStore
    held: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.committed: list[Receipt] = []
        self.bus = CommandBus(
            self.store,
            {WriteLetter: self.write},
            {WriteLetter: EVERYBODY},
            committed=lambda receipt, _actor: self.committed.append(receipt),
            clock=lambda: NOW,
        )

    async def write(self, command: WriteLetter, work: SqlWork) -> Refused | Letter:
        if command.text == "first":
            self.begun.set()
            await self.held.wait()
        id = uuid7()
        work.record(f"letter-{id}", 0, [LetterWritten(text=command.text)])
        if command.text == "refused":
            return refused(InvalidInput(message="Nobody wants it.", path=("text",)))
        if command.text == "fails":
            raise ZeroDivisionError
        return Letter(id, 1)

    async def send(self, *texts: str) -> list[asyncio.Task[Receipt | Refused]]:
        """Send letters that wait for the first one, which goes at once."""
        tasks = [
            asyncio.create_task(self.bus.execute(WriteLetter(text=text), viewer=OPEN))
            for text in ("first", *texts)
        ]
        await self.begun.wait()
        return tasks

    async def texts(self) -> list[str]:
        return [each.event.text for each in await self.store.read(after=0, limit=100)]  # type: ignore[attr-defined]


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    types = EventTypes()
    types.add(LetterWritten)
    async with open_database(database_url) as engines:
        yield Office(CountingStore(engines, types))


async def test_commands_that_wait_share_a_transaction_and_keep_their_order(office: Office) -> None:
    tasks = await office.send("a", "b", "c", "d")
    office.held.set()
    receipts = await asyncio.gather(*tasks)
    assert office.store.transactions == 2
    assert await office.texts() == ["first", "a", "b", "c", "d"]
    assert [each.position for each in receipts if isinstance(each, Receipt)] == [1, 2, 3, 4, 5]
    assert office.committed == receipts


async def test_a_refusal_and_a_failure_undo_their_own_command_and_no_other(office: Office) -> None:
    tasks = await office.send("a", "refused", "b", "fails", "c")
    office.held.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in outcomes] == [
        *(Receipt, Receipt, Refused, Receipt),
        *(ZeroDivisionError, Receipt),
    ]
    assert office.store.transactions == 2
    assert await office.texts() == ["first", "a", "b", "c"]


async def test_a_command_that_spoils_the_transaction_of_its_group_fails_alone(office: Office) -> None:
    tasks = await office.send("a", "half a \ud83d pair", "b", "c", "d")
    office.held.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, Receipt) for each in outcomes] == [True, True, False, True, True, True]
    assert await office.texts() == ["first", "a", "b", "c", "d"]


async def test_a_client_that_leaves_while_its_command_waits_takes_it_along(office: Office) -> None:
    tasks = await office.send("a", "b", "c")
    tasks[2].cancel()
    office.held.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(outcomes[2], asyncio.CancelledError)
    assert await office.texts() == ["first", "a", "c"]


async def test_a_store_that_falls_silent_is_told_to_each_with_its_own_id(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = SqlGroup.commit

    async def loses_the_answer(group: SqlGroup) -> list[Receipt]:
        await commit(group)
        raise ConnectionResetError

    monkeypatch.setattr(SqlGroup, "commit", loses_the_answer)
    tasks = await office.send("a", "b")
    office.held.set()
    first, *lost = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(first, Receipt)
    assert all(isinstance(each, WriteStoreUnavailable) for each in lost)
    assert len({str(each) for each in lost}) == 2
    assert await office.texts() == ["first", "a", "b"], "a repetition with the id gets the receipt"


async def test_more_commands_than_can_be_carried_out_in_time_are_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "NEVER_REFUSED", 2)
    monkeypatch.setattr(lane, "LONGEST_QUEUE", 0.0)
    assert isinstance(await office.bus.execute(WriteLetter(text="before"), viewer=OPEN), Receipt)
    tasks = await office.send("a", "b", "c")
    with pytest.raises(WriteStoreBusy, match=r"Send it again in \d+\.\d seconds"):
        await tasks[3]
    office.held.set()
    outcomes = await asyncio.gather(*tasks[:3])
    assert [type(each) for each in outcomes] == [Receipt] * 3
    assert await office.texts() == ["before", "first", "a", "b"]


async def test_a_single_slow_command_has_no_others_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the first one is, for which the store is opened."""
    clock = iter([0.0, 0.25])
    monkeypatch.setattr(lane, "monotonic", lambda: next(clock, 1.0))
    assert isinstance(await office.bus.execute(WriteLetter(text="before"), viewer=OPEN), Receipt)
    tasks = await office.send(*map(str, range(50)))
    office.held.set()
    assert [type(each) for each in await asyncio.gather(*tasks)] == [Receipt] * 51


async def test_slow_commands_go_in_small_groups_so_that_no_caller_waits_for_many(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "LONGEST_GROUP", 0.0)
    monkeypatch.setattr(lane, "SMALLEST_GROUP", 2)
    assert isinstance(await office.bus.execute(WriteLetter(text="before"), viewer=OPEN), Receipt)
    tasks = await office.send("a", "b", "c", "d", "e")
    office.held.set()
    assert [type(each) for each in await asyncio.gather(*tasks)] == [Receipt] * 6
    assert office.store.transactions == 2 + 3
    assert await office.texts() == ["before", "first", "a", "b", "c", "d", "e"]
