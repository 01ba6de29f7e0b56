"""A process of a cluster, which can be killed, paused, stopped and started again on its own data."""

import asyncio
import os
from abc import ABC, abstractmethod
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

from app.stores.mongo.embedded.mongod import die_with

START_LIMIT, STOP_LIMIT = 60.0, 15.0
"""Seconds after which a start has failed, and after which a process that was asked to stop is killed."""


class DidNotStart(Exception):
    """A member that ended, or did not answer, while it was started; the message shows what it said."""


class Member(ABC):
    """One process of a cluster, with a log file of its own; `wanted` says whether it should be running."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self.process: Process | None = None
        self.wanted = False
        self.paused = False
        self.starts = 0

    @property
    @abstractmethod
    def address(self) -> str:
        """The place where clients reach it."""

    @abstractmethod
    async def _launch(self) -> Process:
        """Start the process."""

    @abstractmethod
    async def answers(self) -> bool:
        """Return whether it can be used."""

    @property
    def pid(self) -> int | None:
        """The process's number, while it runs."""
        return self.process.pid if self.process and self.runs else None

    @property
    def runs(self) -> bool:
        """True if the process exists, even if it is paused."""
        return self.process is not None and self.process.returncode is None

    @property
    def state(self) -> str:
        """A word or two for people: running, paused, stopped, or how it ended."""
        if self.runs:
            return "paused" if self.paused else "running"
        if self.process is None or not self.wanted:
            return "stopped"
        return f"ended with {self.process.returncode}"

    async def start(self, *, wait: bool = True) -> None:
        """Start it, or start it again; return once it can be used, or at once without `wait`.

        Raise `DidNotStart` if it ends meanwhile, or takes longer than a minute.
        """
        self.wanted, self.paused = True, False
        if not self.runs:
            self.starts += 1
            self.process = await self._launch()
        if wait:
            await self.until_it_answers()

    async def until_it_answers(self) -> None:
        """Wait until it can be used; raise `DidNotStart`."""
        try:
            async with asyncio.timeout(START_LIMIT):
                while not await self.answers():
                    if not self.runs:
                        raise DidNotStart(f"{self.name} {self.state} while it was started. {self.said()}")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise DidNotStart(f"{self.name} did not answer within {START_LIMIT:g} s. {self.said()}") from None

    async def kill(self) -> None:
        """End it without a warning; return when it has ended."""
        await self._end(SIGKILL)

    async def stop(self) -> int | None:
        """Ask it to stop, and kill it after 15 seconds; return its exit code, `None` if it did not run."""
        self.wanted = False
        if not self.runs:
            return None
        return await self._end(self._stopping)

    def pause(self) -> None:
        """Stop its processor time, and that of its children: it keeps its sockets, and says nothing."""
        if self.process is not None and self.runs:
            self.paused = True
            for pid in family(self.process.pid):
                _signal(pid, SIGSTOP)

    def resume(self) -> None:
        """Let it go on after a pause."""
        self.paused = False
        if self.process is not None and self.runs:
            for pid in reversed(family(self.process.pid)):
                _signal(pid, SIGCONT)

    def said(self) -> str:
        """Return the end of its log, and where the log is."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        last = "\n".join(f"  {line[:300]}" for line in lines[-5:])
        return f"The end of {self.log}:\n{last or '  (empty)'}"

    _stopping = SIGTERM
    """The signal that asks it to stop."""

    async def _end(self, signal: int) -> int | None:
        process = self.process
        if process is None:
            return None
        if process.returncode is None:
            relatives = family(process.pid)
            _signal(process.pid, signal)
            self.paused = False
            for pid in reversed(relatives):  # one that is paused hears of nothing but SIGKILL
                _signal(pid, SIGCONT)
            try:
                async with asyncio.timeout(STOP_LIMIT):
                    await process.wait()
            except TimeoutError:
                for pid in relatives:
                    _signal(pid, SIGKILL)
                await process.wait()
        return process.returncode

    async def _spawn(
        self,
        *command: str | Path,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Process:
        """Start a process that ends with this one (on Linux), ignores Ctrl-C, and writes to the log."""
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *map(str, command),
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),
            )


def family(pid: int) -> Sequence[int]:
    """Return a process and all below it, each before its children."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # The name in parentheses may have spaces and parentheses itself.
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                children[int(parent)].append(int(entry.name))
    found = [pid]
    for each in found:  # grows meanwhile
        found += children[each]
    return found


def _signal(pid: int, signal: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal)
