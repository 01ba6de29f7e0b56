import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import replace
from uuid import UUID

from app.cqrs.commands.outcomes import CommandKey, EventMark, Receipt
from app.cqrs.freshness.command_status import CommandState, CommandStatus, CommandStatuses
from app.cqrs.freshness.progress import Progress
from app.cqrs.log.head import Head
from tests.cqrs.notes import NoteRead, recorded

ADA = "Ada"
COMMAND = CommandKey(ADA, UUID(int=1))


class Marks:
    """Accepted commands, in memory, which note how often they were asked for."""

    def __init__(self) -> None:
        self.kept: dict[CommandKey, Receipt] = {}
        self.questions = 0
        self.lost_in_between: Callable[[], None] = lambda: None

    async def receipts(self, command_ids: Collection[UUID]) -> Mapping[CommandKey, Receipt]:
        self.questions += 1
        await asyncio.sleep(0)  # as with every real store, others go on meanwhile
        found = {key: kept for key, kept in self.kept.items() if key.command_id in command_ids}
        self.lost_in_between()
        return found


class Desk:
    def __init__(self) -> None:
        self.marks, self.head = Marks(), Head()
        self.progress = {name: Progress(name, self.head) for name in ("orders", "sales")}
        self.statuses = CommandStatuses(self.marks, self.progress)

    def commit(self, *positions: int, key: CommandKey = COMMAND) -> None:
        """Accept the command in this process."""
        self.statuses.committed(self.commit_elsewhere(*positions, key=key), key.actor)

    def commit_elsewhere(self, *positions: int, key: CommandKey = COMMAND) -> Receipt:
        """Accept the command in another process, which tells nobody here."""
        events = (
            EventMark(event_id=UUID(int=position), type="Paid", stream="order-1", position=position)
            for position in positions
        )
        self.marks.kept[key] = Receipt(command_id=key.command_id, events=tuple(events))
        return self.marks.kept[key]

    async def followers(self, *keys: CommandKey) -> list["Follower"]:
        """Followers that have been told of their commands' first state, and wait."""
        followers = [Follower(self.statuses.follow(key)) for key in keys]
        for follower in followers:
            await asyncio.wait_for(follower.began.wait(), 20)
        return followers

    def publish(self, position: int, *, key: CommandKey = COMMAND) -> None:
        """Tell of the command's event as the relay does."""
        self.statuses.published(
            [replace(recorded(position, NoteRead()), command_id=key.command_id, actor=key.actor)]
        )

    async def state(self) -> CommandState:
        return (await self.statuses.now(COMMAND)).state


class Follower:
    """Notes the states that it is told, until the last one or until it leaves."""

    def __init__(self, told: AsyncIterator[CommandStatus]) -> None:
        self.states: list[CommandState] = []
        self.began = asyncio.Event()
        self._task = asyncio.create_task(self._follow(told))

    async def _follow(self, told: AsyncIterator[CommandStatus]) -> None:
        async for status in told:
            self.states.append(status.state)
            self.began.set()

    async def ended(self) -> list[CommandState]:
        await asyncio.wait_for(self._task, 20)
        return self.states

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


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
    leaving, other = await desk.followers(COMMAND, COMMAND)
    await leaving.leave()
    desk.commit()
    assert await other.ended() == [CommandState.UNKNOWN, CommandState.PROJECTED]


async def test_a_thousand_followers_of_commands_that_do_not_come_ask_the_store_nothing_more() -> None:
    desk = Desk()
    keys = [ada_s(number) for number in range(2, 1002)]
    followers = await desk.followers(COMMAND, *keys)
    asked = desk.marks.questions
    for position in range(1, 50):
        other = ada_s(10_000 + position)
        desk.commit(position, key=other)
        desk.publish(position, key=other)
        for progress in desk.progress.values():
            progress.reached(position)
    desk.commit()
    assert await followers[0].ended() == [CommandState.UNKNOWN, CommandState.PROJECTED]
    assert desk.marks.questions == asked
    for follower in followers[1:]:
        await follower.leave()


async def test_a_crowd_of_followers_asks_the_store_together() -> None:
    desk = Desk()
    followers = await desk.followers(*(ada_s(number) for number in range(500)))
    assert desk.marks.questions <= 5
    for follower in followers:
        await follower.leave()


async def test_a_command_that_another_process_has_accepted_is_found_by_its_events() -> None:
    desk = Desk()
    followed, not_followed = await desk.followers(COMMAND, ada_s(2))
    asked = desk.marks.questions
    desk.commit_elsewhere(1)
    for progress in desk.progress.values():
        progress.reached(1)
    desk.publish(1)
    assert await followed.ended() == [CommandState.UNKNOWN, CommandState.PROJECTED]
    assert desk.marks.questions == asked + 1
    await not_followed.leave()


async def test_a_command_without_events_that_another_process_has_accepted_is_told_of_by_its_id() -> None:
    desk = Desk()
    (followed,) = await desk.followers(COMMAND)
    desk.commit_elsewhere()
    desk.statuses.accepted(COMMAND.command_id)
    assert await followed.ended() == [CommandState.UNKNOWN, CommandState.PROJECTED]


async def test_what_was_accepted_while_nobody_could_tell_is_found_afterwards_in_one_question() -> None:
    desk = Desk()
    keys = [ada_s(number) for number in range(1, 101)]
    followers = await desk.followers(*keys)
    for key in keys[:50]:
        desk.commit_elsewhere(key=key)
    asked = desk.marks.questions
    desk.statuses.missed()
    for found in followers[:50]:
        assert await found.ended() == [CommandState.UNKNOWN, CommandState.PROJECTED]
    assert desk.marks.questions <= asked + 3
    for follower in followers[50:]:
        await follower.leave()


async def test_a_command_that_is_accepted_while_it_is_looked_up_is_not_missed() -> None:
    desk = Desk()
    desk.marks.lost_in_between = desk.commit  # right after the store has said that there is none
    assert await Follower(desk.statuses.follow(COMMAND)).ended() == [CommandState.PROJECTED]


async def test_a_follower_is_not_woken_by_read_models_that_do_not_reach_its_command() -> None:
    desk = Desk()
    desk.commit_elsewhere(100)
    (follower,) = await desk.followers(COMMAND)
    for position in range(1, 100):
        desk.progress["orders"].reached(position)
    woken = [each.woken.is_set() for each in desk.statuses._behind["orders"]]
    assert woken == [False]
    for progress in desk.progress.values():
        progress.reached(100)
    assert (await follower.ended())[-1] is CommandState.PROJECTED


async def test_a_follower_is_told_when_a_read_model_fails_and_when_it_goes_on() -> None:
    desk = Desk()
    desk.commit_elsewhere(5)
    desk.progress["sales"].reached(5)
    told = desk.statuses.follow(COMMAND)
    assert (await soon(told)).state is CommandState.COMMITTED
    desk.progress["orders"].failed("OrderPaid at position 2")
    assert (await soon(told)).failed_in == ("orders",)
    desk.progress["orders"].catching_up()
    assert (await soon(told)).pending_in == ("orders",)
    desk.progress["orders"].reached(5)
    assert (await soon(told)).state is CommandState.PROJECTED


async def test_a_read_model_shows_no_command_while_its_documents_may_have_been_put_back() -> None:
    desk = Desk()
    desk.commit_elsewhere(5)
    for progress in desk.progress.values():
        progress.reached(5)
    desk.progress["orders"].doubt()
    told = desk.statuses.follow(COMMAND)
    assert (await soon(told)).pending_in == ("orders",)
    desk.progress["orders"].trust()
    assert (await soon(told)).state is CommandState.PROJECTED


async def test_another_actors_command_with_the_same_id_is_another_command() -> None:
    desk, of_bob = Desk(), CommandKey("Bob", COMMAND.command_id)
    followed, hers = await desk.followers(of_bob, COMMAND)
    desk.commit(1)
    desk.publish(1)
    for progress in desk.progress.values():
        progress.reached(1)
    assert await hers.ended() == [CommandState.UNKNOWN, CommandState.PROJECTED]
    assert (await desk.statuses.now(of_bob)).receipt is None
    desk.commit(2, key=of_bob)
    for progress in desk.progress.values():
        progress.reached(2)
    assert await followed.ended() == [CommandState.UNKNOWN, CommandState.PROJECTED]
    his = (await desk.statuses.now(of_bob)).receipt
    assert his
    assert [mark.position for mark in his.events] == [2]


async def test_nobody_is_remembered_who_has_left() -> None:
    desk = Desk()
    desk.commit_elsewhere(5, key=ada_s(2))
    for follower in await desk.followers(COMMAND, COMMAND, ada_s(2)):
        await follower.leave()
    assert desk.statuses._expected == {}
    assert desk.statuses._behind == {"orders": {}, "sales": {}}


def ada_s(number: int) -> CommandKey:
    return CommandKey(ADA, UUID(int=number))


async def soon(told: AsyncIterator[CommandStatus]) -> CommandStatus:
    return await asyncio.wait_for(anext(told), 20)
