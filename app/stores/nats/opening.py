"""The way to NATS for a program that also runs without: the driver is only imported when it is opened."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.stores.nats.away import NatsError

if TYPE_CHECKING:
    from app.stores.nats.parts import Nats

FORM = "nats://host:4222"

_SCHEMES = ("nats", "tls")
_UNSAFE = re.compile(rb"[^A-Za-z0-9_-]")


MISSING = (
    "NATS_URL is set, but nats-py is not installed. Install it with `pip install diptych[nats]`, or leave "
    "NATS_URL unset."
)


def has_driver() -> bool:
    """Return whether nats-py is installed."""
    return find_spec("nats") is not None


@asynccontextmanager
async def open_nats(url: str, name: str, *, database: str, replicas: int = 1) -> "AsyncIterator[Nats]":
    """Yield all parts of NATS, which connects when it is there, also if that is later.

    The server shows the `name` of the process. All processes with the same `database` hear each other, and no
    others. Each stream is stored by `replicas` servers of a cluster. Raise `NatsError` if nats-py is not
    installed, or the URL is of no use.
    """
    servers = servers_in(url)
    if not has_driver():
        raise NatsError(MISSING)
    from app.stores.nats.connection import Connection
    from app.stores.nats.parts import Nats

    nats = Nats(Connection(servers, name), token_of(database), replicas)
    async with nats.open():
        yield nats


def servers_in(url: str) -> Sequence[str]:
    """Return the URLs of servers in a setting, which has commas between several; raise `NatsError`."""
    servers = [each.strip() for each in url.split(",") if each.strip()]
    for each in servers or [""]:
        try:
            parts = urlsplit(each)
            fits = parts.scheme in _SCHEMES and parts.hostname and (parts.port or 1) > 0
        except ValueError:
            fits = False
        if not fits:
            raise NatsError(
                "NATS_URL is not the URL of a NATS server (it is not shown, because it may contain a "
                f"password).\nSet it to a URL like {FORM} or tls://user:password@host:4222; of a cluster, to "
                "several with commas between them. Write special characters in a password as %XX."
            )
    return servers


def token_of(database: str) -> str:
    """Return the name of a database as a part of subjects and streams; different names stay different."""
    return _UNSAFE.sub(lambda found: b"=%02X" % found[0][0], database.encode()).decode()
