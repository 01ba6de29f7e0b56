"""How the process is set up that serves."""

import gc
from collections.abc import Iterator

import pytest

from app.server.serving import collect_garbage_in_small_parts

MOST = 25_000
"""Objects; to look at them takes some 5 ms."""


@pytest.fixture
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("collector")
def test_no_collection_but_that_of_all_generations_looks_at_many_objects() -> None:
    looked_at: list[int] = []

    def note(phase: str, told: dict[str, int]) -> None:
        if phase == "start" and told["generation"] < 2:
            young = range(told["generation"] + 1)
            looked_at.append(sum(len(gc.get_objects(generation)) for generation in young))

    collect_garbage_in_small_parts()
    gc.callbacks.append(note)
    try:
        kept = [[number] for number in range(300_000)]
    finally:
        gc.callbacks.remove(note)
    assert len(kept) == 300_000
    assert 10_000 < max(looked_at) < MOST
