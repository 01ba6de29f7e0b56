"""The receiving side of forwarded commands: the process that carries them out."""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from app.cqrs.commands.carrying_out import Result
from app.cqrs.commands.forwarding.encoding import (
    CommandEncoding,
    CommandFailed,
    Request,
    UnknownCommand,
    Unreadable,
)
from app.cqrs.commands.lists import Entry
from app.cqrs.commands.outcomes import Receipt, Refused
from app.cqrs.commands.write_store import Conflict
from app.cqrs.impersonal import outline
from app.cqrs.measured.spans import continuing
from app.cqrs.messages import Command
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable
from app.cqrs.viewers import Viewer

MOST_AT_ONCE = 2_000
"""Requests that may be under way at once; more are refused as too many."""

WAIT = 1.0
"""Seconds after which a request that was too many may be sent again."""

TOO_LARGE = (
    "The commands were carried out, but their outcomes are too large to be returned. Send fewer of them at "
    "once, each with its own commandId: those that took effect return their receipts."
)

logger = logging.getLogger(__name__)


class Commands(Protocol):
    """A command bus, as those see it who send commands."""

    async def execute(
        self, command: Command, *, viewer: Viewer, command_id: UUID | None = None
    ) -> Receipt | Refused:
        """Carry out a command; see `CommandBus.execute`."""

    async def execute_all(
        self, entries: Sequence[Entry], *, viewer: Viewer, atomic: bool = False
    ) -> Sequence[Result]:
        """Carry out commands in their order; see `CommandBus.execute_all`."""


class Answering:
    """Carries out the commands of requests, and returns the answers."""

    def __init__(self, commands: Commands, encoding: CommandEncoding, *, largest: Callable[[], int]) -> None:
        """Return no answer of more than `largest()` bytes, as the carrier says."""
        self._commands = commands
        self._encoding = encoding
        self._largest = largest
        self._under_way = 0

    async def answer(self, message: bytes) -> bytes:
        """Return the answer to a request; never raise."""
        if self._under_way >= MOST_AT_ONCE:
            return self._encoding.failure(WriteStoreBusy(WAIT))
        self._under_way += 1
        try:
            request = self._encoding.requested(message)
            with continuing(request.trace):
                results = await self._results(request)
            answer = self._encoding.answer(results)
        except (UnknownCommand, WriteStoreUnavailable, Conflict) as error:
            return self._encoding.failure(error)
        except Unreadable as error:
            logger.warning("A request is not understood: error=%s", outline(error))
            return self._encoding.failure(UnknownCommand(str(error)))
        except Exception as error:
            logger.error("A forwarded command has failed: error=%s", outline(error))
            return self._encoding.failure(error)
        finally:
            self._under_way -= 1
        if len(answer) > self._largest():
            return self._encoding.failure(CommandFailed(TOO_LARGE))
        return answer

    async def _results(self, request: Request) -> Sequence[Result]:
        if request.listed:
            return await self._commands.execute_all(
                request.commands, viewer=request.viewer, atomic=request.atomic
            )
        [(command, id)] = request.commands
        if isinstance(command, Refused):
            return [command]
        return [await self._commands.execute(command, viewer=request.viewer, command_id=id)]
