"""Commands on their way over NATS, from processes that pass them on to those that carry them out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from nats.aio.msg import Msg

from app.cqrs.commands.forwarding.carrier import NoAnswer
from app.stores.nats.away import NatsAway
from app.stores.nats.connection import Connection

QUEUE = "commands"
"""The name under which those that carry out commands share them."""

DRAIN_SECONDS = 10.0
"""Seconds for commands that were begun, when the process ends."""

Answer = Callable[[bytes], Awaitable[bytes]]
"""A function from a request to its answer, which never raises."""

logger = logging.getLogger(__name__)


class NatsCommandCarrier:
    """The carrier of commands; each goes to one of the processes that carry out commands."""

    def __init__(self, connection: Connection, subject: str) -> None:
        self._connection = connection
        self._subject = subject

    @property
    def largest(self) -> int:
        """The maximum bytes of a request or an answer."""
        return self._connection.largest

    async def ask(self, request: bytes, patience: float) -> bytes:
        """Return the answer; raise `NoAnswer` if there is none within `patience` seconds, or nobody there."""
        try:
            return (await self._connection.ask(self._subject, request, patience)).data
        except NatsAway as away:
            raise NoAnswer(str(away)) from away

    @asynccontextmanager
    async def answering(self, answer: Answer) -> AsyncIterator[None]:
        """Answer requests until the block ends; then take no more, and finish those that were begun."""
        under_way: set[asyncio.Task[None]] = set()

        async def respond(message: Msg) -> None:
            self._connection.send(message.reply, await answer(message.data))

        def received(message: Msg) -> None:
            if message.reply:
                task = asyncio.create_task(respond(message))
                under_way.add(task)
                task.add_done_callback(under_way.discard)

        with self._connection.hearing(self._subject, received, queue=QUEUE) as requests:
            await self._connection.flush()
            try:
                yield
            finally:
                await self._connection.take_no_more(requests)
                if under_way:
                    _, unfinished = await asyncio.wait({*under_way}, timeout=DRAIN_SECONDS)
                    if unfinished:
                        logger.warning("Forwarded commands were not finished: commands=%d", len(unfinished))
                await self._connection.flush()
