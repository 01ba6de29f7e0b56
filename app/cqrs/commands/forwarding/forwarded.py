"""Commands that another process carries out."""

import asyncio
import logging
import random
from collections.abc import Sequence
from time import monotonic, perf_counter
from uuid import UUID

from uuid_utils.compat import uuid7

from app.cqrs.commands.bus import AGAIN, counted_as
from app.cqrs.commands.carrying_out import Result
from app.cqrs.commands.forwarding.carrier import CommandCarrier, NoAnswer
from app.cqrs.commands.forwarding.encoding import (
    CommandEncoding,
    Request,
    UnknownCommand,
    Unreadable,
)
from app.cqrs.commands.lists import AGAIN as LIST_AGAIN
from app.cqrs.commands.lists import Entry
from app.cqrs.commands.outcomes import InvalidInput, Receipt, Refused, refused
from app.cqrs.measured.commands import MeasuredCommands
from app.cqrs.measured.spans import current_place
from app.cqrs.messages import Command
from app.cqrs.unavailable import WriteStoreUnavailable
from app.cqrs.viewers import Viewer

PATIENCE = 2.0
"""Seconds after which a command without an answer is sent again: its process may have ended."""

PATIENCE_OF_LISTS = 0.02
"""Further seconds for each command of a list."""

ATTEMPTS = 2.5
"""The time for all attempts together, in multiples of the patience."""

PAUSE = 0.05
"""Seconds between two attempts if nobody was there to answer."""

UNANSWERED = "No process that carries out commands answers. Try again."

logger = logging.getLogger(__name__)


class ForwardedCommands:
    """The command bus of a process that carries out no commands itself.

    A command that gets no answer is sent again with its id, perhaps to another process. It takes effect once.
    """

    def __init__(
        self, carrier: CommandCarrier, encoding: CommandEncoding, *, patience: float = PATIENCE
    ) -> None:
        self._carrier = carrier
        self._encoding = encoding
        self._patience = patience
        self.measured = MeasuredCommands()
        """The commands that this process has passed on; those that carry them out count them, too."""

    async def execute(
        self, command: Command, *, viewer: Viewer, command_id: UUID | None = None
    ) -> Receipt | Refused:
        """Have a command carried out as `CommandBus.execute` does, which says what it returns and raises.

        Raises `WriteStoreUnavailable` if no process has answered.
        """
        began, name, id = perf_counter(), type(command).__name__, command_id or uuid7()
        request = Request(commands=[Entry(command, id)], viewer=viewer, trace=current_place())
        try:
            [outcome] = await self._answered(request, AGAIN.format(id))
            if isinstance(outcome, Exception):
                raise outcome
        except Exception as error:
            self.measured.add([(name, counted_as(error))], began)
            raise
        self.measured.add([(name, counted_as(outcome))], began)
        return outcome

    async def execute_all(
        self, entries: Sequence[Entry], *, viewer: Viewer, atomic: bool = False
    ) -> Sequence[Result]:
        """Have commands carried out as `CommandBus.execute_all` does, which says what it returns and raises.

        Raises `WriteStoreUnavailable` if no process has answered.
        """
        began = perf_counter()
        names = [type(entry.command).__name__ for entry in entries]
        request = Request(commands=entries, viewer=viewer, listed=True, atomic=atomic, trace=current_place())
        try:
            results = await self._answered(request, LIST_AGAIN)
        except Exception as error:
            self.measured.add([(name, counted_as(error)) for name in names], began)
            raise
        self.measured.add(zip(names, map(counted_as, results), strict=True), began)
        return results

    async def _answered(self, request: Request, again: str) -> Sequence[Result]:
        """Return the outcomes of the commands; raise what concerns all of them."""
        message = self._encoding.request(request)
        if len(message) > self._carrier.largest:
            return [self._too_large(len(message))] * len(request.commands)
        patience = self._patience + PATIENCE_OF_LISTS * (len(request.commands) - 1)
        until, reason = monotonic() + patience * ATTEMPTS, UNANSWERED
        while (left := until - monotonic()) > 0:
            try:
                answer = await self._carrier.ask(message, min(patience, left))
                return self._encoding.results(answer, len(request.commands))
            except (NoAnswer, UnknownCommand, Unreadable) as silence:
                # A process of another version may know the command, or answer in another form.
                reason = UNANSWERED if isinstance(silence, NoAnswer) else str(silence)
                await asyncio.sleep(min(random.uniform(0.5, 1) * PAUSE, left))  # noqa: S311
        logger.warning("No answer about commands: commands=%d reason=%s", len(request.commands), reason)
        raise WriteStoreUnavailable(f"{reason} {again}")

    def _too_large(self, size: int) -> Refused:
        return refused(
            InvalidInput(
                message=f"The input takes {size:,} bytes on its way to the process that carries it out, "
                f"which is more than {self._carrier.largest:,}. Send shorter texts, or fewer commands."
            )
        )
