"""The connection to the other processes of a service: events, announcements, and commands."""

from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from app.config import Settings
from app.cqrs.announcing.transport import Announcements
from app.cqrs.log.events import Appended
from app.cqrs.log.relay import Relay
from app.halves.commanding import WriteSide


@dataclass(frozen=True, kw_only=True)
class Network:
    name: str
    announcements: Announcements
    commands: Any
    tasks: Sequence[Coroutine[Any, Any, None]]

    @property
    def connected(self) -> bool:
        return self.announcements.connected

    def publish(self, appended: Appended) -> None: ...


@asynccontextmanager
async def open_network(settings: Settings, write_side: WriteSide, relay: Relay) -> AsyncIterator[Network]:
    raise NotImplementedError
    yield
