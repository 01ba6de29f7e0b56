"""The service as its users run it: a process of its own."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM, Signals

import httpx

PATIENCE = 120
"""Seconds for a start; the demo shop is filled in them, on a machine that has other things to do."""


ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Becomes another program, with a listening socket in the way of systemd."""


@dataclass(frozen=True)
class Service:
    """A process that serves, and what it said when it began to."""

    process: Process
    announced: str

    @property
    def url(self) -> str:
        return _found(r"health\s+(https?://\S+)/health/ready", self.announced)

    @property
    def mongod(self) -> int:
        """The number of its mongod's process."""
        return int(_found(r"mongod, process (\d+)", self.announced))

    async def ready(self) -> None:
        """Wait until the stores take writes and the read models show all that was done."""
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(timeout=PATIENCE) as http:
            while (await http.get(f"{self.url}/health/ready")).is_error:
                pass

    async def stop(self, signal: Signals) -> str:
        """Sends the signal and waits for the end; returns what the service said since it began to serve."""
        self.process.send_signal(signal)
        async with asyncio.timeout(20):
            said, _ = await self.process.communicate()
        return said.decode()


@asynccontextmanager
async def running(
    data_dir: Path,
    *arguments: str,
    module: str = "app",
    checkout: str = "",
    handed_over: str = "",
    **environment: str,
) -> AsyncIterator[Service]:
    """Serves on a free port until the block ends; the block begins when the service says that it serves.

    With a `checkout`, it is that one which serves, in its own environment. With the number of a socket that
    is `handed_over`, it serves on that one, as if systemd had opened it.
    """
    python = f"{checkout}/.venv/bin/python" if checkout else sys.executable
    process = await asyncio.create_subprocess_exec(
        *((sys.executable, "-c", ACTIVATE, handed_over) if handed_over else ()),
        *(python, "-m", module, "serve", "--port", "0", "--data-dir", str(data_dir), *arguments),
        cwd=checkout or None,
        pass_fds=[int(handed_over)] if handed_over else [],
        stdout=PIPE,
        stderr=STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )
    service = None
    try:
        async with asyncio.timeout(PATIENCE):
            service = Service(process, await _announcement(process))
        yield service
    finally:
        if process.returncode is None:
            await (service or Service(process, "")).stop(SIGTERM)


async def _announcement(process: Process) -> str:
    assert process.stdout
    said = b""
    async for line in process.stdout:
        said += line
        if b"Ctrl-C stops it" in line:
            return said.decode()
    raise AssertionError(f"the service did not start; it said:\n{said.decode()}")


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found[1]
