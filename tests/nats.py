"""A real NATS, from a wheel: its own process, with JetStream in a folder of its own, on a loopback port."""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from tempfile import TemporaryDirectory

from app.stores.mongo.embedded.mongod import die_with
from tests.ports import free_port

BINARY = Path(sys.executable).with_name("nats-server")
START_LIMIT, STOP_LIMIT = 20.0, 10.0
"""Seconds."""


class NatsServer:
    """A server that can be killed, started again, and given another store."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self.store = folder / "store"
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process: Process | None = None

    async def start(self) -> None:
        """Starts the server, or starts it again; returns once it takes connections."""
        with (self._folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                str(BINARY),
                *("--addr", "127.0.0.1", "--port", str(self.port)),
                *("--jetstream", "--store_dir", str(self.store)),
                *self._options,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),
            )
        async with asyncio.timeout(START_LIMIT):
            while not await self._answers():
                assert self.process.returncode is None, (self._folder / "log").read_text()
                await asyncio.sleep(0.01)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        greeting = await reader.readline()
        writer.close()
        return greeting.startswith(b"INFO")

    async def kill(self) -> None:
        """The server ends at once, and all that it was doing with it."""
        await self._end(SIGKILL)

    async def stop(self) -> None:
        """Ends the server in order."""
        await self._end(SIGTERM)

    def signal(self, signal: Signals) -> None:
        """Stops the server's clock, or lets it go on."""
        assert self.process
        self.process.send_signal(signal)

    def lose_store(self) -> None:
        """Deletes the store of a server that does not run."""
        shutil.rmtree(self.store)

    def save_store(self) -> Path:
        """Returns a copy of the store of a server that does not run."""
        return Path(shutil.copytree(self.store, self._folder / "saved"))

    def put_back(self, saved: Path) -> None:
        """Puts an older store in the place of the one of a server that does not run."""
        self.lose_store()
        shutil.copytree(saved, self.store)

    async def _end(self, signal: int) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal)
        async with asyncio.timeout(STOP_LIMIT):
            await self.process.wait()


@asynccontextmanager
async def nats_server(*options: str) -> AsyncIterator[NatsServer]:
    """A server that runs until the block ends."""
    with TemporaryDirectory(prefix="nats-", dir="/tmp") as folder:
        server = NatsServer(Path(folder), *options)
        await server.start()
        try:
            yield server
        finally:
            await server.kill()
