"""Synchronous work in slices: others have their turns meanwhile, and it ends as it would without pauses."""

import asyncio
import gc
from contextvars import ContextVar
from functools import partial

import pytest
from greenlet import getcurrent

from app.graphql.admission import turns
from app.graphql.admission.turns import in_slices, pause
from tests.graphql.rounds import Others

REQUEST = ContextVar("REQUEST", default="none")


@pytest.fixture(autouse=True)
def no_round_has_time_for_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 0.0)


def counted(steps: int) -> int:
    """Work of some steps, which calls itself as visitors do."""
    pause()
    return 1 + counted(steps - 1) if steps > 1 else 1


async def test_others_have_their_turns_between_the_slices() -> None:
    others = Others()
    assert await in_slices(lambda: counted(50)) == 50
    others.stop()
    assert others.rounds >= 50


async def test_several_works_go_on_side_by_side() -> None:
    works = [in_slices(partial(counted, steps)) for steps in range(1, 20)]
    assert await asyncio.gather(*works) == [*range(1, 20)]


async def test_work_that_fails_raises_its_error_to_the_caller() -> None:
    def fails() -> None:
        counted(3)
        raise ValueError("such as a limit")

    with pytest.raises(ValueError, match="such as a limit"):
        await in_slices(fails)


async def test_work_whose_caller_is_cancelled_ends_at_its_pause_and_cleans_up() -> None:
    cleaned_up = list[str]()

    def endless() -> None:
        try:
            while True:
                pause()
        finally:
            cleaned_up.append("yes")

    task = asyncio.create_task(in_slices(endless))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned_up == ["yes"]


async def test_work_sees_the_context_variables_of_its_caller() -> None:
    REQUEST.set("of the request")
    assert await in_slices(REQUEST.get) == "of the request"


@pytest.mark.parametrize("fails", [False, True])
async def test_garbage_is_collected_between_the_slices_and_never_in_one(fails: bool) -> None:
    main, collected_in = getcurrent(), list[bool]()

    def making() -> list[list[int]]:
        made = []
        for number in range(20_000):
            made.append([number])
            if number % 5_000 == 0:
                pause()
        if fails:
            raise ValueError("such as a syntax error")
        return made

    def note(_phase: str, _told: dict[str, int]) -> None:
        collected_in.append(getcurrent() is not main)

    async def others() -> None:
        made = []
        for number in range(100):
            made.append([[each] for each in range(number)])
            await asyncio.sleep(0)

    gc.callbacks.append(note)
    try:
        _, outcome = await asyncio.gather(others(), in_slices(making), return_exceptions=True)
    finally:
        gc.callbacks.remove(note)
    assert isinstance(outcome, ValueError) is fails
    assert collected_in
    assert not any(collected_in)
    assert gc.isenabled()


async def test_elsewhere_a_pause_does_nothing() -> None:
    assert counted(5) == 5
