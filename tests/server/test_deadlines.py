"""A deadline that is moved with every request is kept as if each had a timer of its own."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from app.server.connections.deadlines import Deadline


@dataclass(order=True)
class Timer:
    when: float
    call: Callable[[], None] = field(compare=False)
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """A loop whose time goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []
        self.made = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(when, callback)
        heapq.heappush(self.timers, timer)
        self.made += 1
        return timer

    def go_on(self, seconds: float) -> None:
        until = self.now + seconds
        while self.timers and self.timers[0].when <= until:
            timer = heapq.heappop(self.timers)
            self.now = timer.when
            if not timer.is_cancelled:
                timer.call()
        self.now = until


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def over() -> list[float]:
    """When the deadline was over."""
    return []


@pytest.fixture
def deadline(loop: Loop, over: list[float]) -> Deadline:
    return Deadline(loop, lambda: over.append(loop.now))  # type: ignore[arg-type]


def test_it_is_over_once(loop: Loop, deadline: Deadline, over: list[float]) -> None:
    deadline.set(20)
    loop.go_on(200)
    assert over == [120]
    assert deadline.until is None


def test_it_is_over_as_late_as_it_was_moved_to(loop: Loop, deadline: Deadline, over: list[float]) -> None:
    for _ in range(30):
        deadline.set(20)
        loop.go_on(1)
    loop.go_on(200)
    assert over == [129 + 20]


def test_it_may_be_moved_to_an_earlier_moment(loop: Loop, deadline: Deadline, over: list[float]) -> None:
    deadline.set(75)
    deadline.set(20)
    loop.go_on(200)
    assert over == [120]


def test_it_is_not_over_while_nothing_is_waited_for(
    loop: Loop, deadline: Deadline, over: list[float]
) -> None:
    deadline.set(20)
    deadline.clear()
    loop.go_on(30)
    deadline.set(20)
    loop.go_on(10)
    deadline.stop()
    loop.go_on(200)
    assert over == []


def test_it_can_be_set_again_after_it_was_over(loop: Loop, deadline: Deadline, over: list[float]) -> None:
    deadline.set(20)
    loop.go_on(30)
    deadline.set(20)
    loop.go_on(30)
    assert over == [120, 150]


def test_a_thousand_requests_in_a_second_make_two_timers(loop: Loop, deadline: Deadline) -> None:
    for _ in range(1000):
        deadline.clear()
        deadline.set(75)
        loop.go_on(0.001)
    loop.go_on(75)
    assert loop.made == 2
