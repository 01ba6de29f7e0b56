"""Each command of the README runs word for word: in a copy of the project, in an environment made for it."""

import asyncio
import os
import re
import shutil
import socket
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from signal import SIG_DFL, SIGINT, SIGTERM, signal

import pytest

pytestmark = pytest.mark.campaign

README = "\n".join(Path(page).read_text(encoding="utf-8") for page in ("README.md", "app/README.md"))
BLOCKS = re.findall(r"^```console\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
COMMANDS = [
    re.split(r"\s+#", line.removeprefix("$ "))[0] for block in BLOCKS for line in block.splitlines() if line
]

ELSEWHERE = {
    "scripts/test": "this is it",
    "scripts/check": "run by .ci/run, before the tests",
    "scripts/faults kill --seed 7 --rounds 30": "in short: tests/faults/test_faults.py",
    "scripts/diptych forget CUSTOMER": "tests/forgetting/test_command_line.py",
    "scripts/diptych forget --actor ADA": "tests/forgetting/test_command_line.py",
    "scripts/diptych projections rebuild order_details --stream order-018f…": (
        "tests/command_line/test_rebuilding.py"
    ),
    "scripts/diptych seal": "while no service runs: tests/forgetting/test_command_line.py",
    "scripts/cluster": "tests/cluster/test_cluster.py",
    "scripts/crowd": "in short: tests/crowd/test_crowd.py",
    "scripts/memory": "in short: tests/memory/test_memory.py",
    "scripts/bench --list": "in short: tests/bench/test_bench.py",
}
"""What takes long, or an environment for developing, and where it is run instead."""

SERVE = "scripts/serve"
FOLLOW = "scripts/diptych events tail --follow"
KEPT = ("HOME", "PATH", "TMPDIR")
"""What the commands see of the environment, beside pip's own settings."""

PATIENCE = 240
"""Seconds for the installation, which may have to fetch everything, and for the first start."""


@dataclass(frozen=True)
class Clone:
    """A copy of the project that serves on a port of its own."""

    folder: Path
    port: str

    async def start(self, command: str) -> Process:
        """Start what the README says, but for the port."""
        said = command.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        kept = ("HOME", "PATH", "TMPDIR")
        environment = {
            name: value for name, value in os.environ.items() if name in kept or name[:4] == "PIP_"
        }
        environment |= {"PORT": self.port, "COLUMNS": "200", "NO_COLOR": "1"}
        # A command that a shell starts in the background ignores Ctrl-C, and so do its own commands.
        return await asyncio.create_subprocess_exec(
            *("bash", "-c", f"exec {said}"),
            cwd=self.folder,
            env=environment,
            stdout=PIPE,
            stderr=STDOUT,
            preexec_fn=partial(signal, SIGINT, SIG_DFL),
        )

    async def run(self, command: str) -> tuple[int | None, str]:
        """Return the exit code of a command and all that it said."""
        process = await self.start(command)
        said, _ = await process.communicate()
        return process.returncode, said.decode()


async def until(process: Process, words: str) -> str:
    """Return what a process says until it says these words."""
    assert process.stdout is not None
    lines: list[str] = []
    async for line in process.stdout:
        lines.append(line.decode())
        if words in lines[-1]:
            break
    said = "".join(lines)
    assert words in said, said
    return said


async def end(process: Process, stopping: int) -> int | None:
    """Stop a process as a user would; return its exit code."""
    with suppress(ProcessLookupError):
        process.send_signal(stopping)
    async with asyncio.timeout(20):
        await process.communicate()
    return process.returncode


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a folder with the project, and nothing that was made of it."""
    made = shutil.ignore_patterns(".*", "__pycache__", "data", "dist", "node_modules")
    return shutil.copytree(Path(), tmp_path / "clone", ignore=made)


@pytest.fixture
async def clone(copied: Path) -> AsyncIterator[Clone]:
    """Serve from a fresh copy, which `scripts/serve` alone sets up."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        fresh = Clone(copied, str(free.getsockname()[1]))
    service = await fresh.start(SERVE)
    try:
        async with asyncio.timeout(PATIENCE):
            await until(service, "/health/ready")
        yield fresh
    finally:
        assert await end(service, SIGTERM) == 0


async def follow(clone: Clone) -> None:
    """Follow the log until it shows an order, then press Ctrl-C."""
    following = await clone.start(FOLLOW)
    try:
        async with asyncio.timeout(30):
            await until(following, "order-")
    finally:
        assert await end(following, SIGINT) == 0


def test_the_commands_are_found_and_each_one_that_is_run_elsewhere_is_among_them() -> None:
    assert len(COMMANDS) > 10
    assert [command for command in (SERVE, FOLLOW, *ELSEWHERE) if command not in COMMANDS] == []


@pytest.mark.timeout(PATIENCE + 120)
async def test_the_commands_run_word_for_word_after_serve(clone: Clone) -> None:
    refused = []
    for command in COMMANDS:
        if command == FOLLOW:
            await follow(clone)
        elif command != SERVE and command not in ELSEWHERE:
            exit_code, said = await clone.run(command)
            if exit_code != 0:
                refused.append((command, exit_code, said))
    assert refused == []
    committed, printed = (folder / "schema/schema.graphql" for folder in (Path(), clone.folder))
    assert printed.read_bytes() == committed.read_bytes()
