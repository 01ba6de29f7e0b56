"""The status of commands: committed or not, and the read models that show their effects."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol
from uuid import UUID

from app.cqrs.commands.outcomes import CommandKey, Receipt
from app.cqrs.freshness.progress import Progress, ReadModelState
from app.cqrs.log.events import RecordedEvent
from app.cqrs.together.joining import JoinedQuestions


class CommandState(Enum):
    """The stages of a command."""

    UNKNOWN = "UNKNOWN"
    COMMITTED = "COMMITTED"
    PROJECTED = "PROJECTED"
    FAILED = "FAILED"


class Receipts(Protocol):
    """The store of the receipts of accepted commands."""

    async def receipts(self, command_ids: Collection[UUID]) -> Mapping[CommandKey, Receipt]:
        """Return the receipts of all accepted commands with these ids, whoever sent them."""


@dataclass(frozen=True, kw_only=True)
class CommandStatus:
    """The status of one command."""

    command_id: UUID
    receipt: Receipt | None
    """The receipt; `None` for a command that never arrived, was refused, or is in progress."""
    projected_in: tuple[str, ...]
    """The read models that show its effects."""
    failed_in: tuple[str, ...]
    """The read models that failed before they reached it."""
    pending_in: tuple[str, ...]
    """The read models that have not reached it yet."""

    @property
    def state(self) -> CommandState:
        """The stage that the command has reached."""
        if self.receipt is None:
            return CommandState.UNKNOWN
        if self.failed_in:
            return CommandState.FAILED
        return CommandState.COMMITTED if self.pending_in else CommandState.PROJECTED


@dataclass(eq=False)
class _Follower:
    actor: str
    receipt: Receipt | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class CommandStatuses:
    """The current status of commands, and streams of its changes, for the actors who sent them.

    For any other actor a command with the same id is another one, which was never accepted.

    A follower is woken by its own command, and by the read models that do not show it yet. The write store is
    never polled: a thousand followers of commands that never arrive cost nothing.
    """

    def __init__(self, receipts: Receipts, progress: Mapping[str, Progress]) -> None:
        self._receipts = receipts
        self._progress = progress
        self._questions = JoinedQuestions()
        self._expected: dict[UUID, set[_Follower]] = {}
        """The followers, by the id of the command whose receipt they wait for."""
        self._behind: dict[str, dict[_Follower, ReadModelState]] = {name: {} for name in progress}
        """The followers, by the read model that they wait for, each with the last known state of it."""
        for each in progress.values():
            each.watch(self._moved)

    async def now(self, key: CommandKey) -> CommandStatus:
        """Return the status of the command; raise `WriteStoreUnavailable`."""
        return self._status(key.command_id, await self._look_up(key))

    async def follow(self, key: CommandKey) -> AsyncGenerator[CommandStatus, None]:
        """Yield the status of the command at each change of it, until all read models show the command."""
        command_id = key.command_id
        follower, last = _Follower(key.actor), None
        # The follower is registered before the look-up: a command that is accepted in between wakes it.
        self._expected.setdefault(command_id, set()).add(follower)
        try:
            while True:
                follower.woken.clear()
                if follower.receipt is None:
                    found = await self._look_up(key)
                    follower.receipt = follower.receipt or found  # `committed` may have set it meanwhile.
                if follower.receipt:
                    self._expect_no_more(command_id, follower)
                status = self._status(command_id, follower.receipt)
                self._wait_for(status, follower)
                if status != last:
                    yield status
                    last = status
                if status.state is CommandState.PROJECTED:
                    return
                await follower.woken.wait()
        finally:
            self._expect_no_more(command_id, follower)
            for waiting in self._behind.values():
                waiting.pop(follower, None)

    def committed(self, receipt: Receipt, actor: str) -> None:
        """Wake the command's followers with the receipt of its acceptance."""
        for follower in self._expected.get(receipt.command_id, ()):
            if follower.actor == actor:
                follower.receipt = receipt
                follower.woken.set()

    def published(self, events: Sequence[RecordedEvent]) -> None:
        """Have the followers of the commands that caused these events read their receipts."""
        if self._expected:
            for command_id in {event.command_id for event in events}:
                self.accepted(command_id)

    def accepted(self, command_id: UUID) -> None:
        """Have the command's followers read its receipt, because another process has accepted it."""
        for follower in self._expected.get(command_id, ()):
            follower.woken.set()

    def missed(self) -> None:
        """Have all followers of unknown commands read the write store once, because commits may be missed."""
        for followers in self._expected.values():
            for follower in followers:
                follower.woken.set()

    async def _look_up(self, key: CommandKey) -> Receipt | None:
        found = await self._questions.ask("receipts", self._receipts_of, [str(key.command_id)])
        return found.get(key)

    async def _receipts_of(self, command_ids: Sequence[str]) -> Mapping[CommandKey, Receipt]:
        return await self._receipts.receipts([UUID(command_id) for command_id in command_ids])

    def _expect_no_more(self, command_id: UUID, follower: _Follower) -> None:
        if followers := self._expected.get(command_id):
            followers.discard(follower)
            if not followers:
                del self._expected[command_id]

    def _wait_for(self, status: CommandStatus, follower: _Follower) -> None:
        for name in (*status.pending_in, *status.failed_in):
            self._behind[name][follower] = self._progress[name].state
        for name in status.projected_in:
            self._behind[name].pop(follower, None)

    def _moved(self, progress: Progress) -> None:
        for follower, state in self._behind[progress.read_model].items():
            wanted = follower.receipt.covered if follower.receipt else 0
            if progress.holds(wanted) or progress.state is not state:
                follower.woken.set()

    def _status(self, command_id: UUID, receipt: Receipt | None) -> CommandStatus:
        wanted = receipt.covered if receipt else None
        behind = {
            name: each for name, each in self._progress.items() if wanted is None or not each.holds(wanted)
        }
        failed = tuple(name for name, each in behind.items() if each.state is ReadModelState.FAILED)
        return CommandStatus(
            command_id=command_id,
            receipt=receipt,
            projected_in=tuple(name for name in self._progress if name not in behind),
            failed_in=failed if receipt else (),
            pending_in=tuple(name for name in behind if name not in failed) if receipt else (),
        )
