"""The way to NATS for a program that also runs without: the driver is only imported when it is opened."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from app.stores.nats.servers import NatsError, servers_in

if TYPE_CHECKING:
    from app.stores.nats.parts import Nats

_UNSAFE = re.compile(rb"[^A-Za-z0-9_-]")


@asynccontextmanager
async def open_nats(url: str, name: str, *, database: str, replicas: int = 1) -> "AsyncIterator[Nats]":
    """Yield all parts of NATS, which connects when it is there, also if that is later.

    The server shows the `name` of the process. All processes with the same `database` hear each other, and no
    others. Each stream is stored by `replicas` servers of a cluster. Raise `NatsError` if nats-py is not
    installed, or the URL is of no use.
    """
    servers = servers_in(url)
    if find_spec("nats") is None:
        raise NatsError(
            "NATS_URL is set, but nats-py is not installed. Install it with `pip install diptych[nats]`, or "
            "leave NATS_URL unset."
        )
    from app.stores.nats.connection import Connection
    from app.stores.nats.parts import Nats

    nats = Nats(Connection(servers, name), token_of(database), replicas)
    async with nats.open():
        yield nats


def token_of(database: str) -> str:
    """Return the name of a database as a part of subjects and streams; different names stay different."""
    return _UNSAFE.sub(lambda found: b"=%02X" % found[0][0], database.encode()).decode()
