"""What the machine says of itself and its processes, and which of its cores does what."""

import os
import platform
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

_LIBRARIES = ("uvicorn", "uvloop", "httptools", "starlette", "strawberry-graphql", "graphql-core")
_DRIVERS = ("motor", "pymongo", "orjson", "sqlalchemy", "aiosqlite", "asyncpg")


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a process has used."""

    cpu: float
    """Seconds, in user and system mode."""
    memory: int
    """Bytes that are resident."""

    def since(self, before: "Spent") -> "Spent":
        """The CPU time since then, and the memory now."""
        return Spent(cpu=self.cpu - before.cpu, memory=self.memory)


def spent_by(process: int | str) -> Spent:
    """What the process with this number, or `self`, has used so far."""
    # The name in parentheses may hold anything; user and system time are the 14th and 15th field.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return Spent(cpu=(int(fields[11]) + int(fields[12])) / _TICKS, memory=int(fields[21]) * _PAGE)


@dataclass(frozen=True)
class Cores:
    """Which cores are whose."""

    server: frozenset[int]
    others: frozenset[int]
    """The load generator's, and the databases'."""

    def __str__(self) -> str:
        if self.server == self.others:
            return "nothing is pinned to a core"
        return (
            f"the server is pinned to core {_listed(self.server)}, "
            f"load generator and databases to {_listed(self.others)}"
        )


def cores(*, apart: bool = True) -> Cores:
    """One core for the server and the others for the rest, where there is more than one; or all for all."""
    mine = sorted(os.sched_getaffinity(0))
    return Cores(frozenset(mine[: 1 if apart else None]), frozenset(mine[1:] if apart and mine[1:] else mine))


def pin(process: int, to: frozenset[int]) -> None:
    """Keeps all threads of a process, and those that it will start, on these cores."""
    for thread in Path(f"/proc/{process}/task").iterdir():
        with suppress(ProcessLookupError):  # It may have ended by now.
            os.sched_setaffinity(int(thread.name), to)


def described() -> list[str]:
    """The machine, its load and the versions, line by line."""
    load = ", ".join(f"{average:.2f}" for average in os.getloadavg())
    return [
        f"- {platform.system()} {platform.machine()}, {os.cpu_count()} cores, load average {load}",
        f"- {sys.implementation.name} {platform.python_version()}, {_versions(_LIBRARIES)}",
        f"- {_versions(_DRIVERS)}",
    ]


def _versions(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {version(name)}" for name in names)


def _listed(numbers: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
