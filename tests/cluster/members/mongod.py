"""A replica set of three mongods on loopback."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from app.stores.mongo.embedded.mongod_binary import MongodBinary
from tests.cluster.members.member import DidNotStart, Member

NAME = "diptych"
"""The replica set's name."""

SETTINGS = {
    "electionTimeoutMillis": 2_000,  # without a primary, after which another is elected; else 10 s
    # Where a node is cut off, the others sync from it until they notice that, and for half a minute a primary
    # knows by heartbeats alone what they have. So each write to a majority takes as long as from one to the
    # next, 2 s by default.
    "heartbeatIntervalMillis": 500,
    "heartbeatTimeoutSecs": 2,
}
"""The settings of the replica set, with which little time passes until the documents can change again."""

SYNCS_FROM_ANOTHER = "oplogNetworkTimeoutBufferSeconds=1"
"""The parameter that says when a node stops waiting for another one that it syncs from; else 5."""

START_LIMIT = 60.0
"""Seconds until a new replica set has a primary."""

_ALREADY_INITIALIZED = 23
_OPTIONS = (
    *("--bind_ip", "127.0.0.1"),
    "--nounixsocket",
    *("--replSet", NAME),
    *("--oplogSize", "256"),  # MB; the default is 5 % of the disk
    *("--wiredTigerCacheSizeGB", "0.25"),
    *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)"),
    *("--networkMessageCompressors", "disabled"),  # one of them has the flaw CVE-2025-14847
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    *("--setParameter", SYNCS_FROM_ANOTHER),
    # At SIGTERM a member of a replica set waits for clients to go elsewhere, for 15 s by default.
    *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=500"),
    "--quiet",
)

Client = AsyncMongoClient[dict[str, Any]]


class MongoNode(Member):
    """One mongod of a replica set, on a port of its own."""

    def __init__(self, name: str, folder: Path, port: int, binary: MongodBinary, log: Path) -> None:
        super().__init__(name, log)
        self.port = port
        self.known_as = port
        """The port at which the others reach it: its own, or that of a link to it."""
        self._folder = folder
        self._binary = binary

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.known_as}"

    async def _launch(self) -> Process:
        self._folder.mkdir(parents=True, exist_ok=True)
        return await self._spawn(
            *(self._binary.path, "--dbpath", self._folder, "--port", str(self.port), *_OPTIONS),
            environment=self._binary.environment(self._folder),
            cwd=self._folder,
        )

    async def answers(self) -> bool:
        """Return whether it takes connections; it may still look for a primary."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


class ReplicaSet:
    """Three mongods, of which one takes writes."""

    def __init__(self, nodes: Sequence[MongoNode]) -> None:
        self.nodes = tuple(nodes)

    @property
    def url(self) -> str:
        """The URL for clients, who find the primary themselves."""
        return f"mongodb://{','.join(node.address for node in self.nodes)}/?replicaSet={NAME}"

    async def start(self) -> None:
        """Start all nodes, make them a replica set if they are none yet, and wait for a primary."""
        async with asyncio.TaskGroup() as starting:
            for node in self.nodes:
                starting.create_task(node.start())
        await self._initiate()
        try:
            async with asyncio.timeout(START_LIMIT):
                while await self.primary() is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise DidNotStart(
                f"The mongods elected no primary within {START_LIMIT:g} s. {self.nodes[0].said()}"
            ) from None

    async def stop(self) -> None:
        """Stop all nodes, the primary last, so that nobody is elected meanwhile."""
        primary = await self.primary()
        await asyncio.gather(*(node.stop() for node in self.nodes if node is not primary))
        if primary:
            await primary.stop()

    async def primary(self) -> MongoNode | None:
        """Return the node that takes writes; `None` while there is none."""
        for node in self.nodes:
            if node.runs and not node.paused:
                try:
                    async with self._client(node) as client:
                        if (await client.admin.command("hello"))["isWritablePrimary"]:
                            return node
                except PyMongoError:
                    continue
        return None

    async def _initiate(self) -> None:
        members = [{"_id": number, "host": node.address} for number, node in enumerate(self.nodes)]
        async with self._client(self.nodes[0]) as client:
            try:
                await client.admin.command(
                    "replSetInitiate", {"_id": NAME, "members": members, "settings": SETTINGS}
                )
            except OperationFailure as error:
                if error.code != _ALREADY_INITIALIZED:
                    raise

    @staticmethod
    def _client(node: MongoNode) -> Client:
        return AsyncMongoClient(
            "127.0.0.1", node.port, directConnection=True, serverSelectionTimeoutMS=1_000, timeoutMS=3_000
        )
