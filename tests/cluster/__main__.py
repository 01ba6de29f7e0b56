"""Run Diptych as several processes on real engines on this machine, and show how each of them stands."""

import argparse
import asyncio
import resource
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGTERM
from time import strftime

from rich.console import Console
from rich.live import Live

from tests.cluster.cluster import ALL, Cluster, open_cluster
from tests.cluster.keeping import keep_running
from tests.cluster.members.member import DidNotStart
from tests.cluster.needs import Missing
from tests.cluster.screen import line, places, screen
from tests.cluster.standing import Watch

BAD_SETTING, FAILED = 2, 1
"""Exit codes: something is missing, or wrong in the arguments; the cluster did not start."""

REFRESH, SUMMARY = 0.5, 10.0
"""Seconds between two looks: on a terminal, and where there is none."""

SHOWN = 8
"""So many of the newest lines are below the screen."""

MOST = 16
"""Processes of a role: more say nothing on one machine."""


def _count(text: str) -> int:
    if not text.isdigit() or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {MOST}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port. Take one from 1 to 65535, or 0 for any")
    return int(text)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/cluster", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="where data stays; by default a temporary one")
    for role in ("command", "query", "projector"):
        parser.add_argument(
            f"--{role}", type=_count, default=2, metavar="N", help=f"processes with the role {role} (2)"
        )
    parser.add_argument(
        "--all", type=_count, default=0, metavar="N", help="processes with all roles, besides these (0)"
    )
    parser.add_argument("--port", type=_port, default=8000, help="port of the proxy (8000); 0 for any")
    parser.add_argument("--demo", action="store_true", help="fill an empty write store with a demo shop")
    parser.add_argument("--lines", action="store_true", help="print lines also on a terminal")
    asked = parser.parse_args(arguments)
    if not asked.all and not (asked.command and asked.query and asked.projector):
        parser.error(
            "each role needs a process: --command, --query and --projector must be 1 or more, or --all"
        )
    return asked


def _roles(asked: argparse.Namespace) -> list[str]:
    apart = [role for role in ("command", "query", "projector") for _ in range(vars(asked)[role])]
    return [*apart, *[ALL] * asked.all]


async def run(asked: argparse.Namespace, console: Console) -> None:
    """Start everything, show it until Ctrl-C or SIGTERM, and stop it; raise `Missing` or `DidNotStart`."""
    stopping = asyncio.Event()
    for signal in (SIGINT, SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal, stopping.set)
    async with open_cluster(asked.folder, _roles(asked), port=asked.port) as cluster:
        console.print("Starting PostgreSQL, three mongods, nats-server and the roles …")
        starting = asyncio.create_task(_started(cluster, demo=asked.demo))
        if await _is_done_before(stopping, starting):
            for place in places(cluster):
                console.print(place, markup=False, soft_wrap=True)
            console.print("Ctrl-C stops all of it.")
            showing = asyncio.create_task(_show(cluster, console, lines=asked.lines))
            await _is_done_before(stopping, showing)
        console.print("Stopping; engines last …")
    console.print("Stopped.")


async def _started(cluster: Cluster, *, demo: bool) -> None:
    try:
        await cluster.start(demo=demo)
    except* (Missing, DidNotStart, OSError, TimeoutError) as errors:
        raise errors.exceptions[0] from None


async def _is_done_before(stopping: asyncio.Event, work: "asyncio.Task[None]") -> bool:
    """Wait for the work, and return true; or cancel it at the signal, and return false."""
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if work.done():
        await work
        return True
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    return False


async def _show(cluster: Cluster, console: Console, *, lines: bool) -> None:
    happened: deque[str] = deque(maxlen=SHOWN)
    on_terminal = console.is_terminal and not lines

    def tell(what: str) -> None:
        happened.append(f"{strftime('%H:%M:%S')} {what}")
        if not on_terminal:
            console.print(happened[-1], markup=False, soft_wrap=True)

    watch = Watch(cluster)
    keeping = asyncio.create_task(keep_running(cluster.members, tell))
    try:
        if on_terminal:
            with Live(console=console, auto_refresh=False, screen=True) as live:
                while True:
                    live.update(screen(await watch.look(), happened), refresh=True)
                    await asyncio.sleep(REFRESH)
        holders: dict[str, str] = {}
        last = -SUMMARY
        while True:
            standing = await watch.look()
            now = {each.group: each.holder if each.is_held else "nobody" for each in standing.leases}
            for group in now.keys() - {group for group in now if now[group] == holders.get(group)}:
                tell(f"the lease {group} is held by {now[group]}")
            holders = now
            if asyncio.get_running_loop().time() - last >= SUMMARY:
                last = asyncio.get_running_loop().time()
                tell(line(standing))
            await asyncio.sleep(REFRESH)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await watch.close()


def main() -> int:
    """Return the exit code."""
    asked = _arguments(sys.argv[1:])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection takes two files of the proxy
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        asyncio.run(run(asked, console))
    except Missing as missing:
        errors.print(str(missing), style="red", markup=False, soft_wrap=True)
        return BAD_SETTING
    except (DidNotStart, OSError, TimeoutError) as failure:
        errors.print(f"The cluster did not start. {failure}", style="red", markup=False, soft_wrap=True)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
