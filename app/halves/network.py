"""The connection to the other processes of a service: events, announcements, commands and operations."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app.config import Settings
from app.cqrs import contexts
from app.cqrs.announcing.transport import Announcements
from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.forwarding.answering import Answering
from app.cqrs.commands.forwarding.carrier import NoAnswer
from app.cqrs.commands.forwarding.forwarded import ForwardedCommands
from app.cqrs.documents.generations import Generation
from app.cqrs.log.events import EventLog
from app.cqrs.log.relay import Relay
from app.cqrs.operating.operations import NotReached, requested
from app.cqrs.operating.read_models import OperatedReadModels
from app.domain.contexts import CONTEXTS
from app.halves.commanding import WriteSide
from app.roles import Role
from app.stores.nats.opening import open_nats

if TYPE_CHECKING:  # The driver is an optional extra, which only this setting needs.
    from app.stores.nats.parts import Nats


@dataclass(frozen=True, kw_only=True)
class Network:
    """The means of one process to reach the others."""

    name: str
    """The name of this process among them."""
    commands: CommandBus | ForwardedCommands
    log: EventLog
    """The log, which is read from the stream while the write store is away."""
    _nats: "Nats"

    @property
    def connected(self) -> bool:
        """True unless the connection is lost at this moment."""
        return self._nats.connected

    @property
    def announcements(self) -> Announcements:
        """The transport of announcements."""
        return self._nats.announcements

    async def ask(self, read_model: str, request: bytes, patience: float) -> bytes:
        """Return the answer of the process that projects a read model; raise `NotReached`."""
        try:
            return await self._nats.operators(read_model).ask(request, patience)
        except NoAnswer as reason:
            raise NotReached(str(reason)) from reason

    def present(
        self, roles: Iterable[str], reads_from: Callable[[], str | None]
    ) -> AbstractContextManager[None]:
        """Describe this process to operators who ask, until the block ends."""
        from app.stores.nats.presence import Present

        return self._nats.present(
            lambda: Present(name=self.name, roles=sorted(roles), reads_from=reads_from())
        )

    def answering(self, lease: str, read_models: OperatedReadModels) -> AbstractAsyncContextManager[None]:
        """Carry out operations on the read model of a lease until the block ends."""

        async def answer(request: bytes) -> bytes:
            return msgspec.msgpack.encode(await read_models.carry_out(requested(request)))

        return self._nats.operators(Generation.of_key(lease).read_model).answering(answer)


@asynccontextmanager
async def open_network(
    settings: Settings, write_side: WriteSide, store: UUID, relay: Relay
) -> AsyncIterator[Network]:
    """Yield the connection to the other processes on a `store`, whose events are handed to `relay`.

    It comes and goes by itself, and the process goes on without. Raise `NatsError` if the settings can't be
    used.
    """
    log = write_side.log
    async with AsyncExitStack() as opened:
        name = f"{socket.gethostname()}-{os.getpid()}"
        nats = await opened.enter_async_context(
            open_nats(
                str(settings.nats_url),
                name,
                database=settings.mongodb_database,
                store=store,
            )
        )
        await opened.enter_async_context(
            nats.subscribing(log.decoded, relay.hand_over, relay.wake, published=lambda: relay.published)
        )
        encoding = contexts.encoding(CONTEXTS)
        commands: CommandBus | ForwardedCommands = ForwardedCommands(nats.commands, encoding)
        if Role.COMMAND in settings.held_roles:
            commands = write_side.commands
            publisher = await opened.enter_async_context(nats.publishing(log))
            write_side.tells(publisher.committed)
            answering = Answering(commands, encoding, largest=lambda: nats.commands.largest)
            await opened.enter_async_context(nats.commands.answering(answering.answer))
        yield Network(name=name, commands=commands, log=nats.or_stream(log, log.decoded), _nats=nats)
