"""A JavaScript library as a client: `javascript/puppet.js` on its strings."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from tests.node import NpmProject

PATIENCE = 90
"""Seconds that an answer may take, and the service's restart with it."""


class Puppet:
    """A process of node with one library in it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._ids = count(1)
        self._answers: defaultdict[int, asyncio.Queue[dict[str, Any]]] = defaultdict(asyncio.Queue)

    async def query(self, name: str, /, *, echo: bool = True, **variables: object) -> Any:
        return await self._answer(self._order("query", name, variables, echo=echo))

    async def mutate(self, name: str, /, **input: object) -> Any:
        return await self._answer(self._order("mutate", name, {"input": input}))

    async def follow(self, name: str, /, **variables: object) -> AsyncGenerator[Any, None]:
        id = self._order("follow", name, variables)
        while True:
            yield await self._answer(id)

    async def keep(self, name: str, /, **variables: object) -> AsyncGenerator[dict[str, Any], None]:
        """Yield a live list as the library keeps it, after each update."""
        id = self._order("keep", name, variables)
        while True:
            answer = await self._heard(id)
            assert "error" not in answer, answer["error"]
            yield answer["data"]

    async def hear(self, name: str, /, **variables: object) -> AsyncGenerator[dict[str, Any], None]:
        """Yield a subscription's results as the library tells them: with `data`, or with an `error`."""
        id = self._order("follow", name, variables)
        while True:
            yield await self._heard(id)

    def _order(self, order: str, name: str, variables: dict[str, object], *, echo: bool = True) -> int:
        said = {"id": next(self._ids), "order": order, "name": name, "variables": variables, "echo": echo}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(said).encode() + b"\n")
        return said["id"]  # type: ignore[return-value]

    async def _answer(self, id: int) -> Any:
        answer = await self._heard(id)
        assert "error" not in answer, answer["error"]
        [value] = (value for key, value in answer["data"].items() if key != "__typename")
        return value

    async def _heard(self, id: int) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return await self._answers[id].get()

    async def listen(self) -> None:
        """Takes what the process says until it ends."""
        assert self._process.stdout
        async for line in self._process.stdout:
            answer = json.loads(line)
            self._answers[answer.pop("id")].put_nowait(answer)


@asynccontextmanager
async def puppet(node: NpmProject, library: str, url: str) -> AsyncIterator[Puppet]:
    """A puppet until the block ends."""
    command = node.command("javascript/puppet.js", library, url)
    process = await asyncio.create_subprocess_exec(*command, cwd=node.folder, stdin=PIPE, stdout=PIPE)
    puppet = Puppet(process)
    listening = asyncio.create_task(puppet.listen())
    try:
        yield puppet
    finally:
        process.kill()
        await process.wait()
        await listening
