import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

from app.cqrs.command_status import CommandState, CommandStatus, CommandStatuses
from app.cqrs.commands import EventMark, Receipt
from app.cqrs.progress import Head, Progress

COMMAND = UUID(int=1)


class Marks:
    """Accepted commands, in memory."""

    def __init__(self) -> None:
        self.receipts: dict[UUID, Receipt] = {}

    async def receipt(self, command_id: UUID) -> Receipt | None:
        return self.receipts.get(command_id)


class Desk:
    def __init__(self) -> None:
        self.marks, self.head = Marks(), Head()
        self.progress = {name: Progress(name, self.head) for name in ("orders", "sales")}
        self.statuses = CommandStatuses(self.marks, self.progress, self.head)

    def commit(self, *positions: int) -> None:
        events = (
            EventMark(event_id=UUID(int=position), type="Paid", stream="order-1", position=position)
            for position in positions
        )
        self.marks.receipts[COMMAND] = Receipt(command_id=COMMAND, events=tuple(events))
        if positions:
            self.head.rise(positions[-1], datetime.now(UTC))
        else:
            self.head.moved()

    async def state(self) -> CommandState:
        return (await self.statuses.now(COMMAND)).state


async def test_a_command_that_nobody_has_accepted_is_unknown() -> None:
    status = await Desk().statuses.now(COMMAND)
    assert (status.state, status.receipt) == (CommandState.UNKNOWN, None)
    assert (status.projected_in, status.pending_in, status.failed_in) == ((), (), ())


async def test_a_command_is_committed_until_every_read_model_shows_its_last_event() -> None:
    desk = Desk()
    desk.commit(3, 4)
    desk.progress["orders"].reached(4)
    desk.progress["sales"].reached(3)
    status = await desk.statuses.now(COMMAND)
    assert (status.state, status.projected_in, status.pending_in) == (
        CommandState.COMMITTED,
        ("orders",),
        ("sales",),
    )
    desk.progress["sales"].reached(9)
    assert await desk.state() is CommandState.PROJECTED


async def test_a_command_that_changed_nothing_is_shown_everywhere_at_once() -> None:
    desk = Desk()
    desk.commit()
    assert await desk.state() is CommandState.PROJECTED


async def test_a_read_model_that_stopped_before_the_command_is_named() -> None:
    desk = Desk()
    desk.commit(5)
    desk.progress["orders"].reached(5)
    desk.progress["sales"].failed("OrderPaid at position 2")
    status = await desk.statuses.now(COMMAND)
    assert (status.state, status.failed_in, status.projected_in) == (
        CommandState.FAILED,
        ("sales",),
        ("orders",),
    )


async def test_a_read_model_that_stopped_after_the_command_shows_it() -> None:
    desk = Desk()
    desk.commit(5)
    for progress in desk.progress.values():
        progress.reached(7)
        progress.failed("OrderPaid at position 8")
    assert await desk.state() is CommandState.PROJECTED


async def test_a_follower_is_told_of_each_change_until_all_is_shown() -> None:
    desk = Desk()
    told = desk.statuses.follow(COMMAND)
    assert (await soon(told)).state is CommandState.UNKNOWN
    desk.commit(2)
    assert (await soon(told)).pending_in == ("orders", "sales")
    desk.progress["orders"].failed("OrderPaid at position 1")
    assert (await soon(told)).state is CommandState.FAILED
    desk.progress["orders"].catching_up()
    desk.progress["orders"].reached(2)
    assert (await soon(told)).pending_in == ("sales",)
    desk.progress["sales"].reached(2)
    assert (await soon(told)).state is CommandState.PROJECTED
    assert await anext(told, None) is None


async def test_a_follower_who_leaves_takes_no_other_along() -> None:
    desk = Desk()
    told = desk.statuses.follow(COMMAND)
    await soon(told)
    other = asyncio.create_task(_second(desk.statuses.follow(COMMAND)))
    leaving = asyncio.ensure_future(anext(told))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    desk.commit()
    assert (await asyncio.wait_for(other, 10)).state is CommandState.PROJECTED


async def _second(told: AsyncIterator[CommandStatus]) -> CommandStatus:
    await anext(told)
    return await anext(told)


async def soon(told: AsyncIterator[CommandStatus]) -> CommandStatus:
    return await asyncio.wait_for(anext(told), 10)
