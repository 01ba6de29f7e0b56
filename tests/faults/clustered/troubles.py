"""What can happen to a cluster: each trouble breaks something, and puts it right before it returns."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from pymongo import AsyncMongoClient

from tests.cluster.cluster import DATABASE, Cluster
from tests.cluster.members.member import Member
from tests.cluster.members.mongod import MongoNode
from tests.cluster.members.service import ServiceProcess
from tests.cluster.networks.cuts import Links

LONGEST_PAUSE, SHORTEST_PAUSE = 10.0, 0.5
"""Seconds that a member is paused; at most 2 in the short form."""

LONGEST_DOWN = 3.0
"""Seconds between the end of a member and its next start; at most 1 in the short form."""


@dataclass(frozen=True)
class Blow:
    """One trouble on its way: the cluster, the seed's chance, and whether it is the short form."""

    cluster: Cluster
    chance: Random
    short: bool
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as soon as something is broken, or is being stopped."""

    def pause(self) -> float:
        """Return the seconds of a pause."""
        return self.chance.uniform(SHORTEST_PAUSE, 2.0 if self.short else LONGEST_PAUSE)

    def down(self) -> float:
        """Return the seconds that something is away."""
        return self.chance.uniform(0, 1.0 if self.short else LONGEST_DOWN)


Trouble = Callable[[Blow], Coroutine[Any, Any, None]]


def _kill(find: Callable[[Blow], Awaitable[Member]]) -> Trouble:
    async def kill(blow: Blow) -> None:
        member = await find(blow)
        await member.kill()
        blow.struck.set()
        await asyncio.sleep(blow.down())
        await member.start()

    return kill


def _pause(find: Callable[[Blow], Awaitable[Member]]) -> Trouble:
    async def pause(blow: Blow) -> None:
        member = await find(blow)
        member.pause()
        blow.struck.set()
        await asyncio.sleep(blow.pause())
        member.resume()

    return pause


def _stop(find: Callable[[Blow], Awaitable[Member]]) -> Trouble:
    async def stop(blow: Blow) -> None:
        member = await find(blow)
        blow.struck.set()
        await member.stop()
        await asyncio.sleep(blow.down())
        await member.start()

    return stop


def _one_with(role: str) -> Callable[[Blow], Awaitable[Member]]:
    async def find(blow: Blow) -> Member:
        return blow.chance.choice(blow.cluster.of(role))

    return find


async def _projecting(blow: Blow) -> Member:
    """Find the process that holds a lease, or any that could."""
    projectors = blow.cluster.of("projector")
    async with _client(blow.cluster) as client:
        holders = [str(each["holder"]) async for each in client[DATABASE]["leases"].find()]
    parts = {part for holder in holders for part in holder.split("-")}
    return blow.chance.choice([each for each in projectors if str(each.pid) in parts] or projectors)


async def _postgres(blow: Blow) -> Member:
    return blow.cluster.postgres


async def _nats(blow: Blow) -> Member:
    return blow.cluster.nats


async def _primary(blow: Blow) -> Member:
    return await blow.cluster.mongo.primary() or blow.cluster.mongo.nodes[0]


async def _secondary(blow: Blow) -> Member:
    primary = await _primary(blow)
    return blow.chance.choice([node for node in blow.cluster.mongo.nodes if node is not primary])


async def _read_node(blow: Blow) -> tuple[ServiceProcess, MongoNode]:
    """Find a query process, and the mongod that it reads from."""
    process = blow.chance.choice(blow.cluster.of("query"))
    reads_from = (await process.detail()).get("readsFrom")
    nodes = blow.cluster.mongo.nodes
    return process, next((node for node in nodes if node.address == reads_from), nodes[0])


async def _node_that_is_read_from(blow: Blow) -> Member:
    return (await _read_node(blow))[1]


async def _lose_the_stream(blow: Blow) -> None:
    """Delete all that NATS keeps."""
    await blow.cluster.nats.lose_store()


async def _set_the_stream_back(blow: Blow) -> None:
    """Put NATS's store back to an older copy, which lacks what was published meanwhile."""
    copies = Path(mkdtemp(prefix="nats-", dir="/tmp"))
    await blow.cluster.nats.copy_store(copies / "nats")
    await asyncio.sleep(blow.chance.uniform(0.2, 2))
    await blow.cluster.nats.put_back(copies / "nats")
    await asyncio.to_thread(shutil.rmtree, copies)


async def _two_projectors(blow: Blow) -> None:
    """Take the leases from under their holder, who finds out later than another one has them."""
    async with _client(blow.cluster) as client:
        for _ in range(blow.chance.randint(1, 5)):
            await client[DATABASE]["leases"].delete_many({})
            await asyncio.sleep(blow.chance.uniform(0, 1))


def _cut_off(cut: Callable[[Blow, Links], Awaitable[None]]) -> Trouble:
    """Cut a network for a while: nothing passes, and nobody is told."""

    async def trouble(blow: Blow) -> None:
        links = blow.cluster.links
        assert links
        await cut(blow, links)
        blow.struck.set()
        await asyncio.sleep(blow.pause())
        links.heal()

    return trouble


async def _from_nats(blow: Blow, links: Links) -> None:
    links.to_nats[blow.chance.choice(blow.cluster.processes).name].cut()


async def _from_postgres(blow: Blow, links: Links) -> None:
    links.to_postgres[blow.chance.choice(blow.cluster.processes).name].cut()


async def _from_the_primary(blow: Blow, links: Links) -> None:
    primary = await blow.cluster.mongo.primary() or blow.cluster.mongo.nodes[0]
    links.cut_from_node(blow.chance.choice(blow.cluster.processes), primary)


async def _from_its_node(blow: Blow, links: Links) -> None:
    process, node = await _read_node(blow)
    links.cut_from_node(process, node)


async def _primary_from_all(blow: Blow, links: Links) -> None:
    links.cut_node(await blow.cluster.mongo.primary() or blow.cluster.mongo.nodes[0])


async def _cut(blow: Blow) -> None:
    """End all connections of users at once."""
    await blow.cluster.proxy.cut()


async def _roll(blow: Blow) -> None:
    """Stop and start one process after the other, as an upgrade does."""
    processes = [*blow.cluster.processes]
    blow.chance.shuffle(processes)
    for process in processes:
        await process.stop()
        await process.start()
        # As an orchestrator does: the next one goes only when this one serves.
        async with asyncio.timeout(60):
            while not ((answer := await process.asked("/health/ready")) and answer.is_success):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


def _client(cluster: Cluster) -> AsyncMongoClient[dict[str, Any]]:
    return AsyncMongoClient(cluster.mongo.url, timeoutMS=10_000)


_VICTIMS: Mapping[str, Callable[[Blow], Awaitable[Member]]] = {
    "command process": _one_with("command"),
    "query process": _one_with("query"),
    "projector": _projecting,
    "PostgreSQL": _postgres,
    "MongoDB's primary": _primary,
    "a secondary": _secondary,
    "the node that is read from": _node_that_is_read_from,
    "NATS": _nats,
}

TROUBLES: Mapping[str, Trouble] = {
    **{
        f"{victim} {what}": make(find)
        for victim, find in _VICTIMS.items()
        for what, make in (("killed", _kill), ("paused", _pause), ("stopped", _stop))
    },
    "NATS's store lost": _lose_the_stream,
    "NATS's store set back": _set_the_stream_back,
    "two projectors at once": _two_projectors,
    "connections cut": _cut,
    "a process cut off from NATS": _cut_off(_from_nats),
    "a process cut off from PostgreSQL": _cut_off(_from_postgres),
    "a process cut off from MongoDB's primary": _cut_off(_from_the_primary),
    "a query process cut off from the node that it reads from": _cut_off(_from_its_node),
    "MongoDB's primary cut off from everybody": _cut_off(_primary_from_all),
    "all processes restarted in turn": _roll,
}
"""Every trouble by its name."""
