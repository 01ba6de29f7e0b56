"""Reads of documents from one node of a replica set."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from pymongo import ReadPreference
from pymongo.errors import ConnectionFailure, NetworkTimeout, ServerSelectionTimeoutError
from pymongo.server_description import ServerDescription

from app.cqrs.documents.read_model import Document
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.codec import CODEC
from app.stores.mongo.fitness import hosts_of
from app.stores.mongo.pinned.choice import PRIMARY, Choice, named
from app.stores.mongo.pinned.node import PinnedNode
from app.stores.mongo.pinned.shown import MOST_NODES, Moved
from app.stores.mongo.pinned.stored import Stored
from app.stores.mongo.reads.clients import CLIENTS, LONGEST_CALL, PATIENT, Driver
from app.stores.mongo.reads.direct_reads import DirectReads
from app.stores.mongo.reads.finding import DocumentReads
from app.stores.mongo.reads.primary import Address
from app.stores.mongo.reads.reading import read_all, reply_of, resolved
from app.stores.mongo.refusals import unavailable

START_LIMIT = 15.0
"""Seconds within which a node must answer at the start."""

_READING = {"readConcern": {"level": "majority"}}
"""A change that one node alone shows early may be rolled back when another one becomes the primary."""

_CHECKPOINTS = {"find": "checkpoints", "filter": {}, "projection": {"position": 1, "origin": 1}}


class PinnedReads(DocumentReads):
    """Reads from the pinned node. Those under way when it is left are sent to the next one."""

    def __init__(
        self, client: Any, direct: DirectReads, database: str, node: PinnedNode, preference: Any
    ) -> None:
        self.node = node
        self._preference = preference
        self._direct = direct
        self._database = client.get_database(database, codec_options=CODEC)
        node.read = self._checkpoints

    def reads_from(self) -> str | None:
        """Return the node that is read from, as HOST:PORT; `None` while there is none."""
        return self.node.name

    async def _read(self, command: dict[str, Any]) -> list[Document]:
        for left in range(MOST_NODES, 0, -1):
            await self.node.until_pinned()
            try:
                return await read_all(self._database, self._direct, self._asked(command), self._reply)
            except Moved:
                if left == 1:
                    raise ReadStoreUnavailable("The read store does not answer. Try again.") from None
            except ConnectionFailure as error:
                # It has waited for long enough already if it was not answered in time.
                if left == 1 or isinstance(error, ServerSelectionTimeoutError | NetworkTimeout):
                    raise
        raise AssertionError("unreachable")

    async def _checkpoints(self) -> Sequence[Document]:
        with unavailable():
            return await read_all(
                self._database, self._direct, self._asked(_CHECKPOINTS), self._reply_of_node
            )

    def _asked(self, command: dict[str, Any]) -> dict[str, Any]:
        return {**command, **_READING, "$readPreference": self._preference.document}

    async def _reply(self, command: dict[str, Any], session: Any = None) -> Document:
        return await self.node.unless_left(self._reply_of_node(command, session))

    async def _reply_of_node(self, command: dict[str, Any], session: Any = None) -> Document:
        return await reply_of(self._database, command, session, self._preference)


@asynccontextmanager
async def open_pinned_reads(
    url: str,
    database: str,
    driver: Driver,
    choice: Choice,
    newest: Callable[[str], Awaitable[Stored | None]],
    moved: Callable[[], None],
) -> AsyncIterator[PinnedReads]:
    """Yield the reads from one node of the replica set at `url`, as soon as there is one.

    `newest` reads from the primary what is stored of a generation. `moved` is called when another node is
    chosen. Raise `ReadStoreUnavailable` if none answers, or if the chosen one is no member.
    """

    def only_pinned(servers: list[ServerDescription]) -> list[ServerDescription]:
        return [each for each in servers if each.address == node.address]

    def described() -> Any:
        return (client.delegate if driver == "motor" else client).topology_description

    def addresses() -> Sequence[Address]:
        found = described().server_descriptions().values()
        return [each.address for each in sorted(found, key=lambda each: each.round_trip_time or 1e9)]

    direct = DirectReads(url, database, LONGEST_CALL / 1000, secondary=choice.where != PRIMARY)
    node = PinnedNode(choice, direct, newest, addresses=addresses, moved=moved)
    client = CLIENTS[driver](
        url, **PATIENT, connect=True, event_listeners=[node.members], server_selector=only_pinned
    )
    running: asyncio.Task[None] | None = None
    try:
        if driver == "pymongo":
            await client.aconnect()
        await _until_known(url, described)
        if choice.address and choice.address not in addresses():
            raise _stranger(choice, addresses())
        is_set = described().topology_type_name != "Sharded"
        preference = ReadPreference.NEAREST if is_set and choice.where != PRIMARY else ReadPreference.PRIMARY
        reads = PinnedReads(client, direct, database, node, preference)
        running = asyncio.create_task(node.run(), name="node to read from")
        await node.until_pinned(START_LIMIT)
        yield reads
    finally:
        if running:
            running.cancel()
            await asyncio.wait([running])
        direct.close()
        await resolved(client.close())


async def _until_known(url: str, described: Callable[[], Any]) -> None:
    """Wait until a member has said which ones there are; raise `ReadStoreUnavailable`."""
    deadline = monotonic() + START_LIMIT
    while not described().has_readable_server(ReadPreference.NEAREST):
        if monotonic() > deadline:
            raise ReadStoreUnavailable(f"No MongoDB answers at {hosts_of(url)}.")
        await asyncio.sleep(0.01)


def _stranger(choice: Choice, members: Sequence[Address]) -> ReadStoreUnavailable:
    names = ", ".join(sorted(named(each) for each in members))
    return ReadStoreUnavailable(
        f"MONGODB_READ_FROM={choice.where} is no member of the replica set, whose members are {names}.\n"
        "Set it to one of them, or to nearest or primary."
    )
