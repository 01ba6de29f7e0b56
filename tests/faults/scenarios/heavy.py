"""Operations as large as the limits allow, and a second client that asks for little meanwhile."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.hostile.accepted import ACCEPTED, Heavy, largest
from tests.faults.hostile.target import LIMIT, Target, json_of, open_target
from tests.faults.process import resident_mb
from tests.faults.registry import fault

TIMES = 4
"""An operation is sent so often: it is executed by graphql-core, compiled, executed by what was compiled, and
recalled."""

MOST_MB = 32
"""Megabytes that an operation may take."""

LIMIT_OF_A_TEST = 0.25
"""Seconds for which a step may hold the loop in the short form, beside all other tests."""

LITTLE = {"query": "{ products(first: 1) { nodes { id } } }"}


@dataclass
class Figures:
    """What an operation came to."""

    outcome: str = ""
    seconds: float = 0.0
    held: float = 0.0
    """Milliseconds of processor time for which one step held the loop, collections of garbage left out."""
    place: str = ""
    is_bound: bool = False
    """True if only a collection took longer than the limit, and the next longest step is not known."""
    waits: list[float] = field(default_factory=list)
    megabytes: float = 0.0

    def row(self, name: str) -> str:
        return (
            f"| {name} | {self.outcome} | {self.seconds * 1000:,.0f} | "
            f"{'≤ ' * self.is_bound}{self.held:.0f} | {max(self.waits, default=0) * 1000:.0f} | "
            f"{self.megabytes:.1f} |"
        )


@fault("heavy", rounds=1, short=1, stores=("sqlite",))
async def heavy(run: Run) -> None:
    """The heaviest operations that are accepted: how long a second client waits, and the memory they take."""
    customers, orders = (40, 160) if run.short else (100, 3_000)
    limit = LIMIT_OF_A_TEST if run.short else LIMIT
    async with open_target(run, customers=customers, orders=orders) as target:
        run.notes += [
            "| operation | answer | ms, the slowest of four | loop held, ms | second client, ms | MB |",
            "|---|---|--:|--:|--:|--:|",
        ]
        while run.done < run.rounds:
            for name, kind in ACCEPTED.items():
                figures = await _measured(target, name, kind)
                run.notes.append(figures.row(name))
                if figures.held > limit * 1000:
                    run.found(wrong(f"{name} holds the loop for {figures.held:.0f} ms at {figures.place}"))
                if not run.short and figures.megabytes > MOST_MB:
                    run.found(wrong(f"{name} takes {figures.megabytes:.0f} MB"))
            run.done += 1


async def _measured(target: Target, name: str, kind: Heavy) -> Figures:
    body, figures = json_of(largest(kind.make, target)), Figures()
    process = target.service.process.pid
    await target.held(anew=True)
    before = resident_mb(process)
    watching = asyncio.create_task(_second_client(target, figures))
    growing = asyncio.create_task(_grown(process, before, figures))
    for _ in range(TIMES):
        reply = await target.post(name, body)
        assert reply, f"{name} was not answered"
        figures.seconds = max(figures.seconds, reply.seconds)
        codes = " ".join(sorted(reply.codes))
        figures.outcome = codes or f"{len(reply.body) / 1000:,.0f} kB"
        if kind.is_valid and "LIMIT_EXCEEDED" in reply.codes:
            target.complain(name, "it was refused, so it shows nothing about what is accepted")
    for task in (watching, growing):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    told = await target.held(anew=True)
    # A collection of the oldest generation goes by all that is in memory, whoever asks for something then.
    collected = [place["longestMs"] for place in told["places"] if _is_collection(place)]
    others = [place for place in told["places"] if not _is_collection(place)]
    if others:
        figures.held, figures.place = max((place["longestMs"], place["at"]) for place in others)
    else:
        figures.held, figures.is_bound = min(told["longestMs"], LIMIT * 1000), bool(collected)
    if collected:
        target.run.notes.append(f"beside {name}: a collection of garbage held it for {max(collected):.0f} ms")
    return figures


def _is_collection(place: dict[str, Any]) -> bool:
    return "garbage collector" in place["at"] or "_note_collection" in place["at"]


async def _second_client(target: Target, figures: Figures) -> None:
    while True:
        began = monotonic()
        await target.post("a second client", LITTLE)
        figures.waits.append(monotonic() - began)


async def _grown(process: int, before: float, figures: Figures) -> None:
    while True:
        figures.megabytes = max(figures.megabytes, resident_mb(process) - before)
        await asyncio.sleep(0.005)
