"""The way to NATS for a program that also runs without: the driver is only imported when it is opened."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from uuid import UUID

from app.stores.nats.away import NatsError

if TYPE_CHECKING:
    from app.stores.nats.parts import Nats

STORE_DIGITS = 12
"""Hexadecimal digits of a write store's id in the names of its subjects and streams."""

_SCHEMES = ("nats", "tls")
_UNSAFE = re.compile(rb"[^A-Za-z0-9_-]")

MISSING = (
    "NATS_URL is set, but nats-py is not installed. Install it with `pip install diptych[nats]`, or leave "
    "NATS_URL unset."
)


def has_driver() -> bool:
    """Return whether nats-py is installed."""
    return find_spec("nats") is not None


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The servers of one NATS, and how a process proves to them that it belongs to the cluster."""

    urls: Sequence[str]
    """Their URLs without secrets."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    """The text in the place of the user, if there is no password."""


@asynccontextmanager
async def open_nats(
    url: str, name: str, *, database: str, store: UUID | None = None, replicas: int = 1
) -> "AsyncIterator[Nats]":
    """Yield all parts of NATS, which connects when it is there, also if that is later.

    The server shows the `name` of the process. All processes with the same `database` of documents and the
    same write `store`, by its id, hear each other, and no others. Each stream is stored by `replicas` servers
    of a cluster. Raise `NatsError` if nats-py is not installed, or the URL is of no use.
    """
    servers = servers_in(url)
    if not has_driver():
        raise NatsError(MISSING)
    from app.stores.nats.connection import Connection
    from app.stores.nats.parts import Nats

    nats = Nats(Connection(servers, name), token_of(database, store), replicas)
    async with nats.open():
        yield nats


def servers_in(url: str) -> Servers:
    """Return the servers in a setting, which has commas between several; raise `NatsError`.

    All get the user and password, or token, of the first that has any.
    """
    urls, secrets = list[str](), list[tuple[str, str | None]]()
    for each in [part.strip() for part in url.split(",") if part.strip()] or [""]:
        try:
            parts = urlsplit(each)
            port = parts.port or 4222
        except ValueError:
            raise _useless() from None
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise _useless()
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        urls.append(f"{parts.scheme}://{host}:{port}")
        if parts.username:
            secrets.append((unquote(parts.username), parts.password and unquote(parts.password)))
    if not secrets:
        return Servers(urls=urls)
    user, password = secrets[0]
    if password is None:
        return Servers(urls=urls, token=user)
    return Servers(urls=urls, user=user, password=password)


def _useless() -> NatsError:
    return NatsError(
        "NATS_URL is not the URL of a NATS server (it is not shown, because it may contain a password).\n"
        "Set it to a URL like nats://host:4222 or tls://user:password@host:4222; of a cluster, to several "
        "with commas between them. Write special characters in a password as %XX."
    )


def token_of(database: str, store: UUID | None = None) -> str:
    """Return the name of a database as a part of subjects and streams; different names stay different.

    With the id of the write store, two shops may have the same MONGODB_DATABASE in two MongoDBs. Without it,
    the processes of one would carry out the commands of the other.
    """
    name = _UNSAFE.sub(lambda found: b"=%02X" % found[0][0], database.encode()).decode()
    return f"{name}-{store.hex[:STORE_DIGITS]}" if store else name
