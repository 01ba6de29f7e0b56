"""The service as a process at one address, over and over again: started, killed, stopped."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping
from pathlib import Path
from signal import SIGKILL, SIGTERM
from time import monotonic

from tests.faults.dying import AT, POINT
from tests.ports import free_port
from tests.service import ACTIVATE

PATIENCE = 20.0
"""Seconds until a process that should end, or should have said something, counts as hanging."""

ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "LOG_FORMAT": "text"}
"""The log is read line by line: without a terminal it would be JSON."""


class Service:
    """`python -m app serve` on a fixed port and data folder; what it says is kept in `service.log`."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        program: str = "app",
        held: socket.socket | None = None,
    ) -> None:
        """With a socket that is `held`, each process of it serves on that one, in the way of systemd."""
        self.data_dir = folder / "data"
        self.port = held.getsockname()[1] if held else free_port()
        self._held = held
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "service.log"
        self._environment = environment
        self._program = program
        self._process: Process | None = None
        self.started_at = 0.0

    async def start(self, *, dying: str = "", at: int = 1) -> None:
        """Starts it and returns at once: clients may connect when they can.

        With `dying` it kills itself when it comes to that point for the `at`th time.
        """
        module = "tests.faults.dying" if dying else self._program
        options = ("--no-demo", "--port", str(self.port), "--data-dir", str(self.data_dir))
        held = self._held.fileno() if self._held else None
        self.started_at = monotonic()
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(() if held is None else (sys.executable, "-c", ACTIVATE, str(held))),
                *(sys.executable, "-m", module, "serve", *options),
                pass_fds=() if held is None else (held,),
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                env={**os.environ, **ENVIRONMENT, **self._environment, POINT: dying, AT: str(at)},
            )

    @property
    def process(self) -> Process:
        assert self._process, "it was never started"
        return self._process

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def gone(self) -> None:
        """Wait until it has ended by itself."""
        await self.process.wait()

    async def ended(self) -> int:
        """Waits for its end, and returns its exit code; raises `TimeoutError`."""
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def kill(self) -> None:
        """The end without a warning."""
        if self.runs:
            self.process.send_signal(SIGKILL)
            await self.ended()

    async def stop(self) -> tuple[int, float]:
        """Asks it to stop; returns its exit code, and after how many seconds it was there."""
        asked = monotonic()
        self.process.send_signal(SIGTERM)
        return await self.ended(), monotonic() - asked

    def last_word(self) -> str:
        """The last line that it said."""
        said = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        return next((line for line in reversed(said) if line.strip()), "nothing")

    def tracebacks(self) -> list[str]:
        """The last lines of all tracebacks in what it has said."""
        said, found = self.log.read_text(errors="replace") if self.log.exists() else "", []
        for traceback in said.split("Traceback (most recent call last):\n")[1:]:
            ends = (line for line in traceback.splitlines() if line and not line.startswith((" ", "\t")))
            found.append(next(ends, "a traceback without an end"))
        return found
