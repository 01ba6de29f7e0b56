"""A projector and a process that hears it."""

from collections.abc import AsyncIterator

import pytest

from tests.cqrs.announcing.wire import TAKEN, Hearing, Telling, Wire, settled


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def telling(wire: Wire) -> Telling:
    return Telling(wire)


@pytest.fixture
async def hearing(wire: Wire, telling: Telling) -> AsyncIterator[Hearing]:
    """Yield a process that has heard of a read model with one document, and is live."""
    hearing = Hearing(wire)
    async with hearing.running():
        hearing.events.note(TAKEN)
        telling.announcer.started(0, gapless=False, log_set_back=False)
        telling.progress.live()
        await telling.apply(TAKEN[0])
        await settled()
        yield hearing
