"""The service, wrapped so that it kills itself at a named point: `python -m tests.faults.dying serve …`.

The program itself has no hooks for this; its seams are wrapped before it runs.
"""

import os
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from signal import SIGKILL
from typing import Any

from app.__main__ import main
from app.cqrs.live.notices import Notices
from app.cqrs.log.event_bus import AsyncioEventBus
from app.stores.mongo.generations import MongoGenerations
from app.stores.mongo.writes.replacing import Replacement
from app.stores.mongo.writing import MongoWriter
from app.stores.sql.groups import SqlGroup
from app.stores.sql.keys.store import KeyStore
from app.stores.sql.pending_writes import PendingWrites
from app.stores.sql.transactions import SqlWork

POINT, AT = "FAULTS_DIE_AT", "FAULTS_DIE_AT_CALL"


def before(owner: type, method: str, die: Callable[[], None]) -> None:
    """Dies where the method is called."""
    original: Callable[..., Any] = getattr(owner, method)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        die()
        return original(*arguments, **named)

    setattr(owner, method, wrapped)


def after(owner: type, method: str, die: Callable[[], None]) -> None:
    """Dies where the method, async or not, has returned."""
    original: Callable[..., Any] = getattr(owner, method)

    async def awaited(result: Awaitable[Any]) -> Any:
        given = await result
        die()
        return given

    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        if isawaitable(result):
            return awaited(result)
        die()
        return result

    setattr(owner, method, wrapped)


def commits(wrap: Callable[[type, str, Callable[[], None]], None], die: Callable[[], None]) -> None:
    """Wraps the commit of one command, and that of several that share a transaction."""
    wrap(SqlWork, "commit", die)
    wrap(SqlGroup, "commit", die)


POINTS: dict[str, Callable[[Callable[[], None]], None]] = {
    "inside a group, when a command has begun": lambda die: after(SqlGroup, "begin", die),
    "inside a group, after some of its writes": lambda die: after(PendingWrites, "send", die),
    "before the commit": lambda die: commits(before, die),
    "after the commit, before it is published": lambda die: commits(after, die),
    "after it is published, before the documents": lambda die: after(AsyncioEventBus, "publish", die),
    "inside the transaction of the documents": lambda die: after(MongoWriter, "_write", die),
    "after the documents, before the notice": lambda die: before(Notices, "publish", die),
}

POINTS_OF_REBUILDS: dict[str, Callable[[Callable[[], None]], None]] = {
    "before the switch of generations": lambda die: before(MongoGenerations, "switch", die),
    "after the switch, before its readers know": lambda die: after(MongoGenerations, "switch", die),
}

POINTS_OF_REPAIRS: dict[str, Callable[[Callable[[], None]], None]] = {
    "inside the transaction that makes documents anew": lambda die: before(Replacement, "report", die),
    "after that transaction, before its readers know": lambda die: after(MongoWriter, "replace", die),
}

POINTS_OF_FORGETTING: dict[str, Callable[[Callable[[], None]], None]] = {
    "after the decision, before the key is destroyed": lambda die: before(KeyStore, "destroy", die),
    "after the key is destroyed, before that is noted": lambda die: after(KeyStore, "destroy", die),
}


def die_at(point: str, call: int) -> None:
    """Arms the point: its `call`th call is this process's last."""
    calls = 0

    def die() -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), SIGKILL)

    {**POINTS, **POINTS_OF_REBUILDS, **POINTS_OF_REPAIRS, **POINTS_OF_FORGETTING}[point](die)


if __name__ == "__main__":
    die_at(os.environ[POINT], int(os.environ[AT]))
    main()
