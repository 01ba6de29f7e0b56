"""A loop that measures what holds it, by the processor's time and not by the clock on the wall."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from signal import SIGTERM

import httpx
import pytest

from app.server.measured_loop import MeasuredLoop
from app.web.held_loop import HeldLoop
from tests.service import running

LIMIT, HELD = 0.02, 0.06
"""Seconds."""


@pytest.fixture(autouse=True)
def no_collections() -> Iterator[None]:
    """The collector would take its time for all that other tests have left, whenever it comes."""
    gc.disable()
    yield
    gc.enable()


def busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def asleep(seconds: float) -> None:
    time.sleep(seconds)  # The thread waits as one does for a processor that others have.


async def held_by(act: Callable[[], Awaitable[object]]) -> HeldLoop:
    """What such a loop has measured of this."""

    def run() -> HeldLoop:
        loop = MeasuredLoop(LIMIT)

        async def serve() -> None:
            await asyncio.sleep(0)
            loop.start_recording()
            await asyncio.sleep(0)
            await act()
            await asyncio.sleep(0)

        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())
        return loop.held

    with ThreadPoolExecutor(1) as thread:  # This thread's own loop is left alone.
        return await asyncio.get_running_loop().run_in_executor(thread, run)


async def step() -> None:
    busy(HELD)


def hold(done: "asyncio.Future[None]") -> None:
    busy(HELD)
    done.set_result(None)


async def callback() -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_soon(hold, done)
    await done


async def timer() -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_later(0.001, hold, done)
    await done


async def timer_at_a_time() -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_at(loop.time(), hold, done)
    await done


async def from_a_thread() -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    await asyncio.to_thread(loop.call_soon_threadsafe, hold, done)
    await done


@pytest.mark.parametrize("act", [step, callback, timer, timer_at_a_time, from_a_thread])
async def test_a_stretch_is_recorded_once_whatever_it_ran_in(act: Callable[[], Awaitable[object]]) -> None:
    held = await held_by(act)
    assert held.times == 1
    assert HELD <= held.longest < 10 * HELD


async def test_it_says_what_ran_and_where_it_was() -> None:
    async def orders() -> None:
        busy(HELD)

    held = await held_by(lambda: asyncio.create_task(orders(), name="orders"))
    [place] = held.figures()["places"]
    assert "orders" in place["running"]
    assert place["at"].startswith("tests/server/test_measured_loop.py:")
    assert place["at"].endswith(" busy")


async def test_waiting_for_a_processor_is_no_fault() -> None:
    async def wait() -> None:
        asleep(5 * LIMIT)

    held = await held_by(wait)
    assert held.times == 0


async def test_many_short_steps_are_no_long_one() -> None:
    async def give_way() -> None:
        for _ in range(12):
            busy(LIMIT / 4)
            await asyncio.sleep(0)

    held = await held_by(give_way)
    assert held.times == 0
    assert held.longest < LIMIT


def garbage() -> None:
    for _ in range(300_000):
        cycle: list[object] = []
        cycle.append(cycle)


def collect() -> None:
    garbage()
    gc.collect()


async def test_the_garbage_collector_is_told_for_what_it_is() -> None:
    async def step() -> None:
        collect()

    held = await held_by(step)
    [place] = held.figures()["places"]
    assert place["at"] == "the garbage collector, generation 2"


async def test_the_garbage_collector_holds_the_loop_in_whichever_thread_it_runs() -> None:
    held = await held_by(lambda: asyncio.to_thread(collect))
    places = {(place["running"], place["at"]) for place in held.figures()["places"]}
    assert ("garbage collection", "the garbage collector, generation 2") in places


async def test_a_loop_that_is_closed_measures_no_collections() -> None:
    before = len(gc.callbacks)
    await held_by(step)
    assert len(gc.callbacks) == before


class Thing:
    """An object of a callback; it says when it is freed."""

    def __init__(self, freed: asyncio.Event) -> None:
        self._freed = freed

    def __del__(self) -> None:
        self._freed.set()


async def test_nothing_that_a_callback_had_is_kept_after_it() -> None:
    async def act() -> None:
        freed = asyncio.Event()

        def hold() -> None:
            thing = Thing(freed)
            busy(HELD)
            assert thing

        asyncio.get_running_loop().call_soon(hold)
        async with asyncio.timeout(20):
            await freed.wait()

    held = await held_by(act)
    [place] = held.figures()["places"]
    assert "busy" in place["at"], "the watching thread has not seen it"


async def test_what_a_callback_raises_passes_through() -> None:
    async def fail() -> None:
        await asyncio.create_task(refuse())

    async def refuse() -> None:
        busy(HELD)
        raise ValueError("no")

    raised: list[BaseException] = []

    async def keep() -> None:
        try:
            await fail()
        except ValueError as error:
            raised.append(error)

    held = await held_by(keep)
    assert [str(error) for error in raised] == ["no"]
    assert held.times == 1


@pytest.mark.campaign
@pytest.mark.parametrize("limit", ["", "1"])
async def test_the_service_tells_operators_where_it_is_asked_to_measure(tmp_path: Path, limit: str) -> None:
    settings = {"LOOP_LIMIT_MS": limit} if limit else {}
    async with running(tmp_path, "--no-demo", **settings) as service, httpx.AsyncClient(timeout=20) as http:
        wide = "{" + " ".join(f'a{n}: __type(name: "Query") {{ fields {{ name }} }}' for n in range(40)) + "}"
        assert "data" in (await http.post(f"{service.url}/graphql", json={"query": wide})).json()
        asked = partial(http.get, f"{service.url}/health/loop")
        answer = await asked()
        if not limit:
            assert answer.status_code == 404
            return
        figures = answer.json()
        assert figures["limitMs"] == 1
        assert figures["longestMs"] >= 1
        assert figures["tasks"] >= 1
        assert (await asked(headers={"X-Forwarded-For": "10.0.0.1"})).status_code == 403
        assert "The event loop was held: cpu_ms=" in await service.stop(SIGTERM)
