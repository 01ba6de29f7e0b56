"""Verified viewers are remembered within a bound, and until they expire."""

import asyncio
import time

from app.access.remembered import MOST_BYTES, RememberedViewers
from app.access.sessions import Sessions
from app.cqrs.viewers import Scope, Sight, Viewer


def viewer(actor: str, seconds: float = 600) -> Viewer:
    return Viewer(actor=actor, scope=Scope(Sight.STAFF), expires_at=time.time() + seconds)


def token(number: int) -> bytes:
    return b"header.payload." + b"%0100d" % number


async def test_the_oldest_is_forgotten_when_there_is_no_room() -> None:
    remembered = RememberedViewers(20_000)
    for number in range(100):
        remembered.put(token(number), viewer(f"clerk {number}"))
        assert remembered.bytes <= 20_000
    kept = [number for number in range(100) if remembered.get(token(number))]
    assert kept == list(range(100 - len(remembered), 100))
    assert len(kept) > 10
    assert remembered.bytes // len(kept) * 5_000 < MOST_BYTES, "there is room for five thousand"


async def test_a_token_that_is_remembered_again_counts_once() -> None:
    remembered = RememberedViewers()
    for _ in range(3):
        remembered.put(token(1), viewer("clerk"))
    one = remembered.bytes
    remembered.put(token(2), viewer("clerk"))
    assert (len(remembered), remembered.bytes) == (2, 2 * one)
    remembered.clear()
    assert (len(remembered), remembered.bytes) == (0, 0)


async def test_each_is_forgotten_when_it_expires_and_no_other() -> None:
    remembered, expired = RememberedViewers(), asyncio.Event()
    for number, seconds in enumerate((600, 0.2, 0.05, 0.1)):
        remembered.put(token(number), viewer(f"clerk {number}", seconds))
    assert len(remembered) == 4
    last = remembered.get(token(1))
    assert last
    Sessions().watch(last, lambda _reason: expired.set())
    await expired.wait()
    await asyncio.sleep(0)
    assert [bool(remembered.get(token(number))) for number in range(4)] == [True, False, False, False]
    assert len(remembered) == 1
