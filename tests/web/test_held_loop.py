"""What is told of stretches that held the event loop."""

import logging

import httpx
import pytest
from starlette.applications import Starlette

from app.web.held_loop import MINUTE, MOST_PLACES, QUIET, HeldLoop, routes


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def held(clock: Clock) -> HeldLoop:
    return HeldLoop(0.05, clock)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_a_stretch_beyond_the_limit_is_one_line_with_fields(
    held: HeldLoop, caplog: pytest.LogCaptureFixture
) -> None:
    held.record(0.04, "shorter", "app/a.py:1 f")
    held.record(0.0731, "run_asgi", "app/b.py:2 g")
    assert lines(caplog) == [
        "The event loop was held: cpu_ms=73.1 limit_ms=50.0 longest_ms=73.1 times=1 left_out=0 "
        "running=run_asgi at=app/b.py:2 g"
    ]


def test_a_flood_is_one_line_a_second_and_the_longest_is_told_at_once(
    held: HeldLoop, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for seconds in (0.08, 0.06, 0.07, 0.09):
        held.record(seconds, "a", "b")
    clock.now += QUIET
    held.record(0.06, "a", "b")
    assert [line.split("cpu_ms=")[1].split()[0] for line in lines(caplog)] == ["80.0", "90.0", "60.0"]
    assert "times=4 left_out=2" in lines(caplog)[1]
    assert "times=5 left_out=0" in lines(caplog)[2]


def test_the_longest_of_late_is_forgotten_after_two_minutes_and_that_of_all_is_not(
    held: HeldLoop, clock: Clock
) -> None:
    held.record(0.3, "a", "b")
    of_late = []
    for _ in range(3):
        of_late.append(held.figures()["longestOfLateMs"])
        clock.now += MINUTE
    assert of_late == [300, 300, 0]
    assert held.figures()["longestMs"] == 300


def test_so_many_places_are_remembered_and_the_worst_are_kept(held: HeldLoop) -> None:
    held.record(9, "worst", "there")
    for number in range(2 * MOST_PLACES):
        held.record(0.1, f"{number}", "here")
    places = held.figures()["places"]
    assert places[0] == {"running": "worst", "at": "there", "longestMs": 9000, "times": 1}
    assert len(held._places) == MOST_PLACES


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 403),
        ("testclient", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 403),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 403),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 403),
    ],
)
async def test_only_clients_on_the_same_machine_are_told(
    held: HeldLoop, client: str, headers: dict[str, str], status: int
) -> None:
    transport = httpx.ASGITransport(Starlette(routes=routes(held)), client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as http:
        answer = await http.get("/health/loop", headers=headers)
    assert answer.status_code == status
    assert ("longestMs" in answer.json()) == (status == 200)


async def test_who_deletes_what_was_measured_gets_it_and_it_begins_anew(held: HeldLoop) -> None:
    held.record(0.3, "a", "b")
    transport = httpx.ASGITransport(Starlette(routes=routes(held)), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as http:
        told = [(await http.delete("/health/loop")).json() for _ in range(2)]
    assert [(each["longestMs"], each["times"], len(each["places"])) for each in told] == [
        (300, 1, 1),
        (0, 0, 0),
    ]
