"""Those who are answered together neither wait for one another's failures, nor end with one another."""

import asyncio
from collections.abc import Sequence

import pytest

from app.cqrs.together.callers import Caller, Together


class Refused(Exception):
    """What one of them wants can't be done."""


class Closed(Exception):
    """Nothing can be done for anybody."""


async def test_after_a_failure_one_that_takes_long_keeps_nobody_waiting() -> None:
    slow = asyncio.Event()

    async def ask(wanted: Sequence[str]) -> Sequence[str]:
        if len(wanted) > 1:
            raise Refused
        if wanted == ["slow"]:
            await slow.wait()
        return wanted

    together = Together((Closed,))
    first, second = Caller[str, str]("slow"), Caller[str, str]("fast")
    together.start(together.answer([first, second], ask))
    async with asyncio.timeout(20):
        assert await second.answer == "fast"
        assert not first.answer.done()
        slow.set()
        assert await first.answer == "slow"


@pytest.mark.parametrize(
    ("error", "wanted", "asked"), [(Refused, "ab", 3), (Refused, "aa", 1), (Closed, "ab", 1)]
)
async def test_a_failure_that_is_everybodys_is_not_asked_for_again(
    error: type[Exception], wanted: str, asked: int
) -> None:
    questions: list[Sequence[str]] = []

    async def ask(wanted: Sequence[str]) -> Sequence[str]:
        questions.append(wanted)
        raise error

    callers = [Caller[str, str](each) for each in wanted]
    await Together((Closed,)).answer(callers, ask)
    assert [type(caller.answer.exception()) for caller in callers] == [error] * len(wanted)
    assert len(questions) == asked
