"""What has become of a command: whether it was committed, and which read models show its effects."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

from app.cqrs.commands import Receipt
from app.cqrs.progress import Head, Progress, ReadModelState

PAUSE = 0.1
"""Seconds between two questions to the write store after a command that it does not know."""


class CommandState(Enum):
    """How far a command has come."""

    UNKNOWN = "UNKNOWN"
    COMMITTED = "COMMITTED"
    PROJECTED = "PROJECTED"
    FAILED = "FAILED"


class Receipts(Protocol):
    """Where the marks of accepted commands are kept."""

    async def receipt(self, command_id: UUID) -> Receipt | None:
        """The receipt of a command; `None` where no such command was accepted."""


@dataclass(frozen=True, kw_only=True)
class CommandStatus:
    """What has become of one command."""

    command_id: UUID
    receipt: Receipt | None
    """`None` where no such command was accepted: it never came, it was refused, or it is on its way."""
    projected_in: tuple[str, ...]
    """The read models that show its effects."""
    failed_in: tuple[str, ...]
    """The read models that have stopped before it."""
    pending_in: tuple[str, ...]
    """The read models that will show its effects soon."""

    @property
    def state(self) -> CommandState:
        """How far it has come."""
        if self.receipt is None:
            return CommandState.UNKNOWN
        if self.failed_in:
            return CommandState.FAILED
        return CommandState.COMMITTED if self.pending_in else CommandState.PROJECTED


class CommandStatuses:
    """Tells what has become of commands, now or as it happens."""

    def __init__(self, receipts: Receipts, progress: Mapping[str, Progress], head: Head) -> None:
        self._receipts = receipts
        self._progress = progress
        self._head = head

    async def now(self, command_id: UUID) -> CommandStatus:
        """What has become of the command; raises `WriteStoreUnavailable`."""
        return self._status(command_id, await self._receipts.receipt(command_id))

    async def follow(self, command_id: UUID) -> AsyncGenerator[CommandStatus, None]:
        """What has become of the command, each time that it changes, until all read models show it."""
        receipt = last = None
        while True:
            moved = self._head.moves()  # before looking, so that no move falls in between
            receipt = receipt or await self._receipts.receipt(command_id)
            status = self._status(command_id, receipt)
            if status != last:
                yield status
                last = status
            if status.state is CommandState.PROJECTED:
                return
            if receipt is None:
                await asyncio.sleep(PAUSE)
            await asyncio.shield(moved)

    def _status(self, command_id: UUID, receipt: Receipt | None) -> CommandStatus:
        wanted = receipt.position or 0 if receipt else None
        behind = {
            name: each for name, each in self._progress.items() if wanted is None or each.position < wanted
        }
        failed = tuple(name for name, each in behind.items() if each.state is ReadModelState.FAILED)
        return CommandStatus(
            command_id=command_id,
            receipt=receipt,
            projected_in=tuple(name for name in self._progress if name not in behind),
            failed_in=failed if receipt else (),
            pending_in=tuple(name for name in behind if name not in failed) if receipt else (),
        )
