"""Starts load generators, and makes figures of what they have seen."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tests.bench.generator import Job, Seen
from tests.bench.machine import Cores, pin


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured of a server in one go."""

    rate: float
    """Answers a second."""
    p50: float
    p99: float
    """Milliseconds."""
    cpu: float
    mongod_cpu: float
    """Microseconds for each answer."""
    memory: int
    """Bytes."""
    generator: float
    """The share of its core that the load generator used: near 1, it is the limit."""
    kept: float | None = None
    """The share of a pace's requests that was answered; of the commands beside, where there are any."""


class LoadFailed(Exception):
    """A server gave an answer that is none, or there was nothing to ask; the message says which."""


async def load(job: Job, cores: Cores) -> Seen:
    """Does a job in a process of its own; raises `LoadFailed`."""
    if not job.requests:  # Only customers with 20 orders are asked for theirs.
        raise LoadFailed("There is nothing to ask for in so small a shop. Choose more orders.")
    return msgspec.msgpack.decode(await given("tests.bench.generator", job, cores), type=Seen)


async def given(module: str, job: msgspec.Struct, cores: Cores) -> bytes:
    """What a module that takes a job on its standard input writes to its output; raises `LoadFailed`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        pin(process.pid, cores.others)
        seen, said = await process.communicate(msgspec.msgpack.encode(job))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise LoadFailed(said.decode().strip().rpartition("\n")[2])
    return seen


def figures_of(seen: Seen) -> Figures:
    """The figures of what was seen."""
    answers = len(seen.latencies)
    cpu = {name: spent.cpu * 1e6 / max(answers, 1) for name, spent in seen.spent.items()}
    server = seen.spent.get("server")
    return Figures(
        rate=answers / seen.seconds,
        p50=1000 * percentile(seen.latencies, 50),
        p99=1000 * percentile(seen.latencies, 99),
        cpu=cpu.get("server", 0.0),
        mongod_cpu=cpu.get("mongod", 0.0),
        memory=server.memory if server else 0,
        generator=seen.own.cpu / seen.seconds,
        kept=kept_of(seen),
    )


def kept_of(seen: Seen) -> float | None:
    """The share of the requests of a pace that was answered in time."""
    return min(1.0, len(seen.latencies) / seen.due) if seen.due else None


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` percent of the values do not exceed; NaN where there are none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]
