"""A process reads from one node of a replica set, knows what it shows, and leaves it when it fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient

from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.pinned import node as pinned_node
from app.stores.mongo.pinned.choice import Choice
from app.stores.mongo.pinned.reads import PinnedReads, open_pinned_reads
from app.stores.mongo.reads.clients import Driver
from app.stores.mongo.store import MongoReadStore, open_read_store
from tests.cluster.members.mongod import MongoNode, ReplicaSet
from tests.cluster.needs import check_wheels
from tests.cqrs.notes import NoteTaken, documents, notes, recorded
from tests.ports import free_port

pytestmark = pytest.mark.campaign

LIMIT = 30
"""Seconds for what takes less than three on a machine that has nothing else to do."""


@pytest.fixture(scope="module")
async def nodes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReplicaSet]:
    folder, (mongod, _) = tmp_path_factory.mktemp("nodes"), check_wheels()
    names = ("one", "two", "three")
    nodes = ReplicaSet(
        [MongoNode(each, folder / each, free_port(), mongod, folder / f"{each}.log") for each in names]
    )
    await nodes.start()
    yield nodes
    await nodes.stop()


@pytest.fixture(params=["motor", "pymongo"])
def driver(request: pytest.FixtureRequest) -> Driver:
    which: Driver = request.param
    return which


@dataclass
class Reader:
    """What a process writes to the primary, and reads from its node."""

    nodes: ReplicaSet
    store: MongoReadStore
    reads: PinnedReads
    moves: list[str | None] = field(default_factory=list)
    position: int = 0

    async def take(self) -> None:
        """Write a note, whose position is told."""
        self.position += 1
        event = recorded(self.position, NoteTaken(note="a"))
        changes = [(event, change) for change in notes.changes(event)]
        before = self.position - 1
        await self.store.apply(notes, changes, since=before, start=before, end=event)

    async def shown(self) -> int:
        """The position of the note as it is read."""
        return int((await self.reads.get(documents, ["a"]))["a"]["position"])

    @property
    def node(self) -> MongoNode:
        return next(each for each in self.nodes.nodes if each.address == self.reads.reads_from())

    async def reads_from_another_than(self, node: MongoNode) -> None:
        """Wait until the node was left, and another is read from."""
        async with asyncio.timeout(LIMIT):
            while self.reads.reads_from() in (None, node.address):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@asynccontextmanager
async def reading(nodes: ReplicaSet, where: str, driver: Driver = "motor") -> AsyncIterator[Reader]:
    database, moves = f"pinned-{uuid4().hex}", list[str | None]()
    async with AsyncExitStack() as opened:
        store = await opened.enter_async_context(open_read_store(nodes.url, database, driver, majority=True))
        await store.prepare(notes)
        reads = await opened.enter_async_context(
            open_pinned_reads(
                nodes.url, database, driver, Choice.of(where), store.newest, lambda: moves.append("moved")
            )
        )
        reader = Reader(nodes, store, reads, moves)
        await reader.take()
        yield reader


async def a_secondary(nodes: ReplicaSet) -> MongoNode:
    primary = None
    while primary is None:
        primary = await nodes.primary()
    return next(node for node in nodes.nodes if node is not primary)


@asynccontextmanager
async def standing_still(node: MongoNode) -> AsyncIterator[None]:
    """A node that answers, and applies nothing of what the primary writes."""
    async with AsyncMongoClient[dict[str, Any]]("127.0.0.1", node.port, directConnection=True) as client:
        await client.admin.command("fsync", lock=True)
        try:
            yield
        finally:
            await client.admin.command("fsyncUnlock")


async def test_reads_go_to_the_node_that_was_named_once_it_shows_what_was_told(
    nodes: ReplicaSet, driver: Driver
) -> None:
    node = await a_secondary(nodes)
    async with reading(nodes, node.address, driver) as reader:
        assert reader.reads.reads_from() == node.address
        for _ in range(50):
            await reader.take()
            assert await reader.reads.node.shows(notes.key, reader.position)
            assert await reader.shown() == reader.position
        assert await reader.reads.node.is_level(notes.key)
        assert await reader.reads.count(documents, {}) == 1
        assert reader.moves == []


async def test_a_node_that_lags_is_left_for_one_that_shows_what_was_told(nodes: ReplicaSet) -> None:
    node = await a_secondary(nodes)
    async with reading(nodes, node.address) as reader:
        assert await reader.reads.node.shows(notes.key, reader.position)
        async with standing_still(node):
            await reader.take()
            assert await reader.shown() < reader.position
            assert not await reader.reads.node.shows(notes.key, reader.position)
            await reader.reads_from_another_than(node)
            assert reader.moves == ["moved"]
            assert await reader.shown() == reader.position


async def test_a_node_that_dies_is_left_and_the_named_one_is_gone_back_to(
    nodes: ReplicaSet, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinned_node, "BETWEEN_MOVES", 1.0)
    node = await a_secondary(nodes)
    async with reading(nodes, node.address, driver) as reader:
        assert await reader.reads.node.shows(notes.key, reader.position)
        await node.kill()
        began = monotonic()
        assert await reader.shown() == reader.position
        assert monotonic() - began < LIMIT
        assert reader.node is not node
        assert reader.moves
        await reader.take()
        await node.start()
        async with asyncio.timeout(LIMIT):
            while reader.reads.reads_from() != node.address:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await reader.reads.node.is_level(notes.key)
        assert await reader.shown() == reader.position


async def test_a_node_that_stands_still_is_left_and_reads_under_way_are_sent_elsewhere(
    nodes: ReplicaSet, driver: Driver
) -> None:
    async with reading(nodes, "nearest", driver) as reader:
        assert await reader.reads.node.is_level(notes.key)
        node = reader.node
        node.pause()
        try:
            async with asyncio.timeout(LIMIT):
                assert await reader.shown() == reader.position
            assert reader.node is not node
        finally:
            node.resume()


async def test_reads_from_the_primary_follow_it(nodes: ReplicaSet) -> None:
    async with reading(nodes, "primary") as reader:
        primary = await nodes.primary()
        assert primary
        assert reader.node is primary
        await primary.kill()
        await reader.reads_from_another_than(primary)
        assert reader.node is await nodes.primary()
        assert await reader.shown() == reader.position
        await primary.start()


async def test_a_node_that_is_no_member_is_refused_with_the_names_of_those_that_are(
    nodes: ReplicaSet,
) -> None:
    with pytest.raises(ReadStoreUnavailable, match=r"MONGODB_READ_FROM=elsewhere:1 is no member") as refused:
        async with reading(nodes, "elsewhere:1"):
            pass
    assert all(node.address in str(refused.value) for node in nodes.nodes)
