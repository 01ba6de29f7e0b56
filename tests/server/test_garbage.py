"""Garbage collections of the process that serves."""

import gc
import sys
import weakref
from collections import defaultdict
from collections.abc import Iterator

import pytest

from app.server.garbage import LONG_LIVED, MUCH, LeavingOut, collect_garbage_in_small_parts

MIDDLE = 15_000
"""Objects; to look at them takes some 3 ms."""

OLDEST = 2 * MIDDLE + LONG_LIVED


class Circle:
    """An object that is freed only by a collection, because it refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def looked_at() -> Iterator[defaultdict[int, list[int]]]:
    """The numbers of objects that each collection looks at, by its generation."""
    before, numbers = gc.get_threshold(), defaultdict[int, list[int]](list)

    def note(phase: str, told: dict[str, int]) -> None:
        if phase == "start":
            young = range(told["generation"] + 1)
            numbers[told["generation"]].append(sum(len(gc.get_objects(each)) for each in young))

    collect_garbage_in_small_parts()
    [*_, ours] = gc.callbacks
    gc.callbacks.append(note)
    yield numbers
    gc.callbacks.remove(note)
    gc.callbacks.remove(ours)
    gc.set_threshold(*before)
    gc.unfreeze()


def test_no_collection_looks_at_many_objects_even_if_very_many_are_kept(
    looked_at: defaultdict[int, list[int]],
) -> None:
    kept = [[number] for number in range(150_000)]
    assert len(kept) == 150_000
    assert 5_000 < max(looked_at[1]) < MIDDLE
    assert 5_000 < max(looked_at[2]) < OLDEST
    gc.collect()
    gc.collect()
    assert looked_at[2][-1] < MIDDLE, "what is kept was looked at again"


@pytest.mark.usefixtures("looked_at")
def test_objects_that_were_left_out_are_freed_when_nothing_refers_to_them() -> None:
    kept = [[number] for number in range(LONG_LIVED)]
    before = gc.get_freeze_count()
    gc.collect()
    assert gc.get_freeze_count() >= before + LONG_LIVED
    kept.clear()
    assert gc.get_freeze_count() < before + 1_000


@pytest.mark.usefixtures("looked_at")
def test_garbage_that_refers_to_itself_and_was_left_out_is_found_once_there_is_much_of_it() -> None:
    [leaving_out] = [each for each in gc.callbacks if isinstance(each, LeavingOut)]
    circle = Circle()
    seen = weakref.ref(circle)
    kept = [[number] for number in range(LONG_LIVED)]
    gc.collect()
    del circle
    gc.collect()
    assert seen(), "it was not left out"
    leaving_out.at_last = sys.getallocatedblocks() - MUCH  # as if so much had been added since
    kept += [[number] for number in range(2 * LONG_LIVED)]
    gc.collect()
    gc.collect()
    assert not seen()
