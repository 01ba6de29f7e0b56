"""The watch on MongoDB's primary, told by the driver's own events."""

import asyncio
from typing import Any

import pytest
from pymongo.hello import Hello
from pymongo.monitoring import ServerHeartbeatFailedEvent, ServerHeartbeatSucceededEvent

from app.stores.mongo.reads.primary import PrimaryWatch

ONE, TWO = ("one", 27017), ("two", 27017)


class Watched:
    """A watch, and how often it has told that the primary was lost."""

    def __init__(self) -> None:
        self.lost = 0
        self.watch = PrimaryWatch(asyncio.get_running_loop(), self._count)

    def _count(self) -> None:
        self.lost += 1

    async def answers(self, server: Any, *, writable: bool) -> int:
        reply: Hello[Any] = Hello(
            {"ok": 1, "setName": "rs", "isWritablePrimary": writable, "secondary": not writable}
        )
        self.watch.succeeded(ServerHeartbeatSucceededEvent(0.001, reply, server))
        await asyncio.sleep(0)
        return self.lost

    async def is_silent(self, server: Any) -> int:
        self.watch.failed(ServerHeartbeatFailedEvent(0.001, OSError(), server))
        await asyncio.sleep(0)
        return self.lost


@pytest.fixture
async def watched() -> Watched:
    return Watched()


async def test_another_primary_is_told_of_though_the_one_before_has_not_been_heard_of(
    watched: Watched,
) -> None:
    assert await watched.answers(ONE, writable=True) == 0
    assert await watched.answers(TWO, writable=False) == 0
    assert await watched.answers(TWO, writable=True) == 1, "the old one may be cut off from us"
    assert await watched.answers(TWO, writable=True) == 1
    assert await watched.is_silent(ONE) == 2


async def test_a_primary_that_steps_down_or_is_silent_is_told_of_once(watched: Watched) -> None:
    assert await watched.answers(ONE, writable=True) == 0
    assert await watched.answers(ONE, writable=False) == 1
    assert await watched.answers(ONE, writable=False) == 1
    assert await watched.answers(ONE, writable=True) == 1
    assert await watched.is_silent(ONE) == 2
    assert await watched.is_silent(ONE) == 2
