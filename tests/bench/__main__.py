"""Measures Diptych and what one would have without it, on the same data and machine, one after another."""

import argparse
import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from app.stores.mongo.embedded.mongod import embedded_mongod
from tests.bench.against import NoSuchRevision, checked_out, with_stores_for
from tests.bench.candidates import AS_SERVED, CANDIDATES, VARIANTS, Candidate, Stores, against
from tests.bench.chart import chart
from tests.bench.commands import Known
from tests.bench.freshness import measure_freshness, measure_rebuild
from tests.bench.loading import LoadFailed
from tests.bench.machine import Cores, cores, described, pin
from tests.bench.queries import variables_for
from tests.bench.reads import AnswersDiffer, Bench, Plan, Rounds, measure_reads
from tests.bench.shop import Size, made
from tests.bench.tables import (
    busiest_generator,
    freshness_table,
    ratio_tables,
    reads_tables,
    rebuild_table,
    writes_table,
)
from tests.bench.writes import measure_writes

WRITES, FRESHNESS, REBUILD = "place-order", "freshness", "rebuild"
PARTS = (WRITES, FRESHNESS, REBUILD)
"""What there is to measure beside the reads of the candidates."""

REFERENCE = VARIANTS[0]
"""Whose answers the others have to give."""

QUICK_ROUNDS, QUICK_SECONDS = 1, 1.0


@asynccontextmanager
async def opened(folder: Path, used: Cores) -> AsyncIterator[Stores]:
    """The stores on a copy of a made shop, for what is measured also writes."""
    with TemporaryDirectory(prefix="bench-", dir="/tmp") as temporary:
        copy = Path(temporary) / "data"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.sock", "*.log"))
        async with embedded_mongod(copy) as mongod:
            pin(mongod.process.pid, used.others)
            yield Stores(copy, mongod.url, mongod.process.pid)


async def measure(
    plan: Plan,
    parts: Sequence[str],
    size: Size,
    *,
    served: Sequence[Candidate] = (AS_SERVED,),
    apart: bool = True,
) -> tuple[list[str], Rounds]:
    """Measures the candidates and the parts; returns a report in Markdown, and the reads' figures.

    The parts are measured with each of `served` in turn. Raises `AnswersDiffer` and `LoadFailed`.
    """
    used, before = cores(apart=apart), described()
    report = [f"{size}; {plan.rounds} rounds of {plan.seconds:g} s.", *before, f"- {used}"]
    rounds: Rounds = {}
    checkout = next((each.checkout for each in served if each.checkout), None)
    async with opened(await made(size), used) as own, with_stores_for(checkout, own) as stores:
        engine = sa.create_engine(f"sqlite:///{stores.write_store}")
        known, asked = Known.of(engine), variables_for(engine, plan.seed)
        engine.dispose()
        if plan.candidates:
            bench = Bench(plan=plan, stores=stores, cores=used, known=known, asked=asked)
            rounds = await measure_reads(bench, REFERENCE)
            report += ["", busiest_generator(rounds), "", "### Reads", "", *reads_tables(plan, rounds)]
            report += ["", "### Ratios", "", *ratio_tables(plan, rounds)]
        if FRESHNESS in parts:
            print("Freshness", flush=True)
            seen = [
                await measure_freshness(each, stores, known, 2 * plan.seconds, used)
                for _ in range(plan.rounds)
                for each in served
            ]
            report += ["", "### Freshness under load", "", *freshness_table(seen)]
        if WRITES in parts:
            writes = await measure_writes(served, stores, plan.rounds, plan.seconds, used)
            report += ["", "### Writes", "", *writes_table(writes)]
        if REBUILD in parts:
            print("Rebuild", flush=True)
            rebuilt = [
                await measure_rebuild(each, stores, used) for _ in range(plan.rounds) for each in served
            ]
            report += ["", "### Catching up", "", *rebuild_table(rebuilt)]
    return [*report, "", "At the end:", described()[0]], rounds


def main() -> int:
    """Reads the arguments, measures what they name, and prints the tables."""
    names = [candidate.name for candidate in CANDIDATES]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[*names, *PARTS], help="only these")
    parser.add_argument("--list", action="store_true", help="list what there is to measure, and do nothing")
    parser.add_argument(
        "--against", metavar="REVISION", help="measure another revision, too, in the same rounds"
    )
    parser.add_argument("--rounds", type=_at_least_one, help="how often each is measured (5)")
    parser.add_argument("--seconds", type=_seconds, help="how long each time (3)")
    parser.add_argument("--connections", nargs="+", type=_at_least_one, default=[1, 16, 64], metavar="N")
    parser.add_argument("--quick", action="store_true", help="one round of one second: a look, no figures")
    parser.add_argument("--unpinned", action="store_true", help="let the kernel place server and load")
    parser.add_argument("--seed", type=int, default=1, help="of the shop, and of who is asked for")
    parser.add_argument("--chart", type=Path, metavar="FILE.svg", help="where to draw the reads' figures")
    wanted = parser.parse_args()
    if wanted.list:
        for candidate in CANDIDATES:
            print(f"{candidate.name:18} {candidate.says}")
        print(*PARTS, sep="\n")
        return 0
    only = wanted.only or [*names, *PARTS]
    plan = Plan(
        candidates=[candidate for candidate in CANDIDATES if candidate.name in only],
        connections=sorted(set(wanted.connections)),
        rounds=wanted.rounds or (QUICK_ROUNDS if wanted.quick else 5),
        seconds=wanted.seconds or (QUICK_SECONDS if wanted.quick else 3.0),
        seed=wanted.seed,
    )
    parts = [part for part in PARTS if part in only]
    served = [AS_SERVED]
    try:
        with ExitStack() as running:
            if wanted.against:
                checkout = running.enter_context(checked_out(wanted.against))
                others = against(checkout, wanted.against)
                measured = {f"{candidate.name}@{wanted.against}" for candidate in plan.candidates}
                plan = replace(
                    plan, candidates=[*plan.candidates, *(each for each in others if each.name in measured)]
                )
                served += [each for each in others if each.name == f"{AS_SERVED.name}@{wanted.against}"]
            measuring = measure(plan, parts, Size(seed=wanted.seed), served=served, apart=not wanted.unpinned)
            report, rounds = asyncio.run(measuring)
    except (AnswersDiffer, LoadFailed, NoSuchRevision) as failure:
        print(failure, file=sys.stderr)
        return 1
    print("\n" + "\n".join(report))
    if wanted.chart and rounds:
        connections = 16 if 16 in plan.connections else plan.connections[-1]
        wanted.chart.write_text(chart(plan, rounds, connections))
    return 0


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number, 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0.2 <= float(text) <= 30:
            return float(text)
    raise argparse.ArgumentTypeError("must be between 0.2 and 30")


if __name__ == "__main__":
    sys.exit(main())
