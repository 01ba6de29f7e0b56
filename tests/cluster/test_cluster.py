"""`scripts/cluster` from its start to its end: everything runs, restarts, and leaves nothing behind."""

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM

import httpx
import pytest

from tests.cluster.members.member import family

pytestmark = pytest.mark.campaign

PATIENCE = 120
"""Seconds for a start, on a machine that has other things to do."""

SMALL = ("--command", "1", "--query", "1", "--projector", "1", "--port", "0")
ADD = 'mutation { addProduct(input: {sku: "%s", name: "Tea", category: "Tea", unitPrice: {amount: "1"}}) \
{ product { id } receipt { token } } }'


@dataclass
class Running:
    """A cluster that `scripts/cluster` runs, and what it has said."""

    process: Process
    said: str = ""

    async def until(self, words: str) -> str:
        """Return the line that has these words, as soon as it is said."""
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            async for line in self.process.stdout:
                self.said += line.decode()
                if re.search(words, line.decode()):
                    return line.decode()
        raise AssertionError(f"it never said {words}:\n{self.said}")

    @property
    def graphql(self) -> str:
        found = re.search(r"GraphQL\s+(\S+/graphql)", self.said)
        assert found, self.said
        return found[1]

    def pid(self, name: str) -> int:
        found = re.findall(rf"{name}.*process (\d+)", self.said)
        assert found, self.said
        return int(found[-1])

    @property
    def folders(self) -> list[Path]:
        return [Path(found) for found in set(re.findall(r"/tmp/cluster-\w+", self.said))]


@pytest.fixture
async def cluster() -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.cluster", *SMALL),
        stdout=PIPE,
        stderr=STDOUT,
        env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
    )
    try:
        running = Running(process)
        await running.until("Ctrl-C stops all of it")
        yield running
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(SIGTERM)
        await process.communicate()


async def until_gone(pids: list[int]) -> None:
    async with asyncio.timeout(20):
        while [pid for pid in pids if Path(f"/proc/{pid}").exists()]:  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.05)


async def test_commands_are_read_back_and_a_process_that_dies_is_started_again(cluster: Running) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        answer = (await http.post(cluster.graphql, json={"query": ADD % "TEA"})).json()
        assert answer["data"]["addProduct"]["product"], answer
        for name in ("query-1", "nats"):
            before = cluster.pid(name)
            os.kill(before, SIGKILL)
            await cluster.until(f"{name} ended with -9; it is started again")
            await cluster.until(f"{name} runs again, as process")
            assert cluster.pid(name) != before
        query = '{ products(filter: {search: "TEA"}) { totalCount } }'
        token = answer["data"]["addProduct"]["receipt"]["token"]
        answer = (
            await http.post(cluster.graphql, json={"query": query}, headers={"Consistency-Token": token})
        ).json()
    assert answer["data"]["products"]["totalCount"] == 1, answer
    pids = [*family(cluster.process.pid)]
    cluster.process.send_signal(SIGTERM)
    await cluster.until("Stopped.")
    assert await cluster.process.wait() == 0
    await until_gone(pids)
    assert [folder for folder in cluster.folders if folder.exists()] == []


async def test_no_process_stays_behind_even_if_the_script_is_killed(cluster: Running) -> None:
    pids = [*family(cluster.process.pid)]
    assert len(pids) > 10
    cluster.process.kill()
    await until_gone(pids)
    for folder in cluster.folders:
        shutil.rmtree(folder, ignore_errors=True)  # a killed process can't remove them
