"""Questions that wait at the same moment are asked together; who is alone waits for no one."""

import asyncio
from collections.abc import Sequence

import pytest

from app.cqrs.together import joining
from app.cqrs.together.joining import JoinedQuestions
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable


class Library:
    """Answers when it is told to, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []
        self._may_answer = asyncio.Event()
        self.closed: Exception | None = None

    async def __call__(self, wanted: Sequence[str]) -> dict[str, str]:
        self.asked.append(wanted)
        await self._may_answer.wait()
        if self.closed:
            raise self.closed
        if "\ud800" in wanted:
            raise UnicodeError("no such letter")
        return {one: one.upper() for one in wanted}

    def answer(self) -> None:
        self._may_answer.set()


@pytest.fixture(autouse=True)
def _one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_IN_FLIGHT", 1)


@pytest.fixture
def library() -> Library:
    return Library()


async def asked(
    library: Library, *wanted: Sequence[str], kind: str = "books"
) -> list["asyncio.Task[dict[str, str]]"]:
    """Readers who ask one after the other, all before the first answer."""
    questions = vars(library).setdefault("questions", JoinedQuestions())
    tasks = [asyncio.create_task(questions.ask(kind, library, each)) for each in wanted]
    await asyncio.sleep(0)
    return tasks


async def test_who_is_alone_is_asked_for_at_once(library: Library) -> None:
    [task] = await asked(library, ["a"])
    assert library.asked == [["a"]]
    library.answer()
    assert await task == {"a": "A"}


async def test_two_do_not_take_turns(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_IN_FLIGHT", 2)
    tasks = await asked(library, ["a"], ["b"], ["c"], ["d"])
    assert library.asked == [["a"], ["b"]]
    library.answer()
    await asyncio.gather(*tasks)
    assert library.asked == [["a"], ["b"], ["c", "d"]]


async def test_those_who_come_meanwhile_are_asked_for_together(library: Library) -> None:
    tasks = await asked(library, ["a"], ["b", "a"], ["c"], ["b"])
    library.answer()
    answers = await asyncio.gather(*tasks)
    assert library.asked == [["a"], ["b", "a", "c"]]
    assert answers[1:] == [{"b": "B", "a": "A", "c": "C"}] * 3


async def test_afterwards_the_next_is_asked_at_once_again(library: Library) -> None:
    library.answer()
    for _ in range(2):
        await asyncio.gather(*await asked(library, ["a"], ["b"]))
    assert library.asked == [["a"], ["b"]] * 2


async def test_questions_of_another_kind_wait_for_none(library: Library) -> None:
    tasks = [*await asked(library, ["a"]), *await asked(library, ["b"], kind="maps")]
    assert library.asked == [["a"], ["b"]]
    library.answer()
    await asyncio.gather(*tasks)


async def test_many_are_asked_for_in_portions(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_IDS", 3)
    tasks = await asked(library, ["a"], ["b", "c"], ["d"], ["e"], ["f", "g", "h", "i"])
    library.answer()
    await asyncio.gather(*tasks)
    assert library.asked == [["a"], ["b", "c", "d"], ["e"], ["f", "g", "h", "i"]]


async def test_who_goes_away_takes_no_answer_from_the_others(library: Library) -> None:
    first, second, third = await asked(library, ["a"], ["b"], ["c"])
    first.cancel()
    await asyncio.sleep(0)
    second.cancel()
    library.answer()
    assert (await third)["c"] == "C"
    assert library.asked == [["a"], ["b", "c"]]


@pytest.mark.parametrize("store", [ReadStoreUnavailable, WriteStoreUnavailable])
async def test_every_caller_is_told_that_the_store_does_not_answer(
    library: Library, store: type[Exception]
) -> None:
    library.closed = store("closed")
    tasks = await asked(library, ["a"], ["b"], ["c"])
    library.answer()
    failures = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(failure) for failure in failures] == [store] * 3
    assert len(library.asked) == 2


async def test_what_can_not_be_looked_up_fails_nobody_else(library: Library) -> None:
    tasks = await asked(library, ["a"], ["b"], ["\ud800"], ["c"])
    library.answer()
    first, second, bad, last = await asyncio.gather(*tasks, return_exceptions=True)
    assert (first, second, last) == ({"a": "A"}, {"b": "B"}, {"c": "C"})
    assert isinstance(bad, UnicodeError)


async def test_who_all_want_the_same_share_a_failure_too(library: Library) -> None:
    tasks = await asked(library, ["a"], ["\ud800"], ["\ud800"], ["\ud800"])
    library.answer()
    _, *failures = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(failure) for failure in failures] == [UnicodeError] * 3
    assert library.asked == [["a"], ["\ud800"]]


async def test_remembers_nobody_afterwards(library: Library) -> None:
    library.answer()
    await asyncio.gather(*await asked(library, ["a"], ["b"], ["c"]))
    questions = vars(library)["questions"]
    await asyncio.sleep(0)
    assert (questions._kinds, questions._together._tasks) == ({}, set())
