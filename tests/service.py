"""The service as its users run it: a process of its own."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 60
"""Seconds for a start; the demo shop is filled in them, on a machine that has other things to do."""


@dataclass(frozen=True)
class Service:
    """A process that serves, and where."""

    url: str
    process: Process


@asynccontextmanager
async def running(data_dir: Path, *arguments: str, **environment: str) -> AsyncIterator[Service]:
    """Serves on a free port until the block ends; the block begins when the service says that it serves."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--port", "0", "--data-dir", str(data_dir), *arguments),
        stdout=PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )
    try:
        async with asyncio.timeout(PATIENCE):
            url = await _announced_url(process)
        yield Service(url, process)
    finally:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(10):
                await process.communicate()


async def _announced_url(process: Process) -> str:
    assert process.stdout
    said = b""
    async for line in process.stdout:
        said += line
        if found := re.search(rb"health\s+(http://\S+)/health/ready", line):
            return found[1].decode()
    raise AssertionError(f"the service did not start; it said:\n{said.decode()}")
