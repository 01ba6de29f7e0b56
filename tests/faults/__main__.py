"""Kills what can be killed under real clients, and checks that nothing is lost or doubled."""

import argparse
import asyncio
import shutil
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from random import randrange
from signal import SIGINT
from tempfile import mkdtemp
from time import monotonic
from traceback import format_exc

from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.registry import CLUSTER, MEMORY, STORES, Fault, all_faults
from tests.faults.report import reported, table
from tests.postgres import postgres

BAD_ARGUMENT = 2


async def carry_out(fault: Fault, run: Run) -> None:
    """Runs one fault on one store, in a folder of its own; whatever breaks on the way is found, too."""
    run.folder.mkdir(parents=True)
    began = monotonic()
    async with AsyncExitStack() as opened:
        if run.store == "postgres":
            run.server = await opened.enter_async_context(postgres(durable=True))
        try:
            await fault.run(run)
        except Exception:
            run.found(wrong(f"the run broke off:\n{format_exc()}"))
    run.seconds = monotonic() - began
    if run.findings:
        (run.folder / "findings.txt").write_text("\n".join(map(str, run.findings)) + "\n")


async def _until_told(fault: Fault, run: Run) -> None:
    """Carries out the fault; Ctrl-C has it end with the round, and with all its checks."""
    asyncio.get_running_loop().add_signal_handler(SIGINT, run.end_early)
    await carry_out(fault, run)


def main() -> int:
    """Reads the arguments, runs what they name, and says what came of it."""
    faults = all_faults()
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("faults", nargs="*", metavar="NAME", help="which faults")
    parser.add_argument("--all", action="store_true", help="all faults, one after another")
    parser.add_argument("--list", action="store_true", help="list the faults, and do nothing")
    parser.add_argument("--seed", type=int, help="repeats the choices of an earlier run")
    parser.add_argument(
        *("--rounds", "--minutes"),
        type=int,
        help="how often, or how long; each fault has a number of its own",
    )
    parser.add_argument(
        "--store", choices=[*STORES, *MEMORY, *CLUSTER, "both"], default="both", help="the write store"
    )
    parser.add_argument("--short", action="store_true", help="the form that is part of scripts/test")
    wanted = parser.parse_args()
    if unknown := [name for name in wanted.faults if name not in faults]:
        parser.error(f"there is no fault called {' or '.join(unknown)}; there are {', '.join(faults)}")
    if wanted.rounds is not None and wanted.rounds < 1:
        parser.error("--rounds must be 1 or more")
    names = list(faults) if wanted.all else wanted.faults
    if wanted.list or not names:
        for fault in faults.values():
            print(f"{fault.name:14} {fault.rounds:>5} rounds  {', '.join(fault.stores):18} {fault.says}")
        return 0
    seed = randrange(1_000_000) if wanted.seed is None else wanted.seed
    evidence = Path(mkdtemp(prefix="faults-", dir="/tmp"))
    runs: list[Run] = []
    for name in names:
        fault = faults[name]
        for store in fault.stores if wanted.store == "both" else {wanted.store} & {*fault.stores}:
            rounds = wanted.rounds or (fault.short if wanted.short else fault.rounds)
            if not rounds:
                continue  # its short form is a test of its own
            print(
                f"{name} on {store}, seed {seed}: {rounds} rounds in {evidence / f'{name}-{store}'}",
                flush=True,
            )
            folder = evidence / f"{name}-{store}"
            run = Run(fault=name, store=store, seed=seed, rounds=rounds, short=wanted.short, folder=folder)
            asyncio.run(_until_told(fault, run))
            runs.append(run)
            print(reported(run), flush=True)
    print(table(runs))
    if any(run.findings for run in runs):
        print(f"\nThe seed is {seed}; the evidence is kept in {evidence}", file=sys.stderr)
        return 1
    shutil.rmtree(evidence)
    return 0


if __name__ == "__main__":
    sys.exit(main())
