"""A shop at one address: its service can be killed and started again, and its read models held up."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM
from uuid import uuid4

from tests.programs import run
from tests.service import Service, running

ROOT = Path(__file__).parents[2]

ASKED = 3
"""Reads that have failed before the trouble passes."""

PATIENCE = 90
"""Seconds for these."""


class Shop:
    """A service on a port and a database of its own; its documents outlive its process."""

    def __init__(self, folder: Path, mongo_url: str, processes: AsyncExitStack) -> None:
        self._folder = folder
        self._gate = folder / "closed"
        self._trouble = folder / "trouble"
        self._processes = processes
        self._port = "0"
        self.database = f"clients-{folder.name}"
        self._environment = {
            "GATE": str(self._gate),
            "TROUBLE": str(self._trouble),
            "MONGODB_URL": mongo_url,
            "MONGODB_DATABASE": self.database,
        }
        self._service: Service | None = None

    @property
    def service(self) -> Service:
        assert self._service, "it was never started"
        return self._service

    @property
    def url(self) -> str:
        """Where it speaks GraphQL."""
        return f"{self.service.url}/graphql"

    async def start(self) -> None:
        """Starts the service, or starts it again at the same address."""
        arguments = ("--no-demo", "--port", self._port)
        process = running(self._folder, *arguments, module="tests.clients.late_service", **self._environment)
        self._service = await self._processes.enter_async_context(process)
        self._port = self.service.url.rpartition(":")[2]

    async def kill(self) -> None:
        """The end of the service, without a warning."""
        await self.service.stop(SIGKILL)

    async def restore(self) -> None:
        """Restore the shop from a backup of itself: all is there, and no token of before is of this store."""
        await self.service.stop(SIGTERM)
        backup = self._folder / f"backup-{uuid4()}"
        for command in (("backup", backup), ("restore", backup, "--overwrite")):
            diptych = (sys.executable, "-m", "app", *map(str, command))
            await run(*diptych, cwd=ROOT, stdin=None, DATA_DIR=str(self._folder), **self._environment)
        await self.start()
        await self.service.ready()

    @contextmanager
    def projecting_nothing(self) -> Iterator[None]:
        """Within the block commands are committed, and no document shows it."""
        self._gate.touch()
        try:
            yield
        finally:
            self._gate.unlink()

    @asynccontextmanager
    async def reading_nothing(self) -> AsyncIterator[None]:
        """Have every read fail within the block, which ends once some have been tried again."""
        self._trouble.touch()
        try:
            yield
            async with asyncio.timeout(PATIENCE):
                # The other process has no other way to tell.
                while self._trouble.read_text().count("asked") < ASKED:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            self._trouble.unlink()


@asynccontextmanager
async def open_shop(folder: Path, mongo_url: str) -> AsyncIterator[Shop]:
    """A shop until the block ends."""
    async with AsyncExitStack() as processes:
        shop = Shop(folder, mongo_url, processes)
        await shop.start()
        yield shop
