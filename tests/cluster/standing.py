"""What a cluster is at the moment: who runs, who holds which lease, and how far each read model has come."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from tests.cluster.cluster import DATABASE, Cluster
from tests.cluster.members.member import Member

PATIENCE = 2.0
"""Seconds for what an engine says."""


@dataclass(frozen=True)
class Lease:
    """A group of read models, and the process that projects it until a time."""

    group: str
    holder: str
    until: datetime | None

    @property
    def is_held(self) -> bool:
        return self.until is not None and self.until > datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class One:
    """A member of the cluster."""

    name: str
    pid: int | None
    state: str
    address: str
    starts: int
    ready: str = ""
    """For a process of Diptych: `ready`, or what it lacks, or that it does not respond."""
    reads_from: str = ""
    """The mongod that a process with the role `query` reads documents from."""
    positions: Mapping[str, int] = field(default_factory=dict)
    """How far each read model has come in this process, by its name."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The whole cluster at one moment."""

    url: str
    members: Sequence[One]
    leases: Sequence[Lease]
    head: int
    """The newest position that any process knows of."""
    streams: Mapping[str, int]
    """The last sequence of each JetStream stream."""
    primary: str

    @property
    def read_models(self) -> list[str]:
        """The names of all read models that any process shows."""
        return sorted({name for member in self.members for name in member.positions})


class Watch:
    """Looks at a cluster again and again, over one connection to MongoDB."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._mongo: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            cluster.mongo.url, serverSelectionTimeoutMS=500, timeoutMS=1_000, tz_aware=True
        )

    async def close(self) -> None:
        await self._mongo.close()

    async def look(self) -> Standing:
        """Return what can be found out within two seconds."""
        details, leases, streams = await asyncio.gather(
            asyncio.gather(*(process.detail() for process in self._cluster.processes)),
            self._leases(),
            self._cluster.nats.streams(),
        )
        pids = {str(process.pid): process.name for process in self._cluster.processes if process.pid}
        primary = await self._primary()  # the driver knows it after the leases at the latest
        nodes = {node.address: node.name for node in self._cluster.mongo.nodes}
        processes = [
            _one(process, detail, nodes if "query" in process.roles else {})
            for process, detail in zip(self._cluster.processes, details, strict=True)
        ]
        heads = [int(each["head"]) for detail in details for each in detail.get("readModels", ())]
        return Standing(
            url=self._cluster.url,
            members=[*(_one(engine) for engine in self._cluster.engines), *processes],
            leases=[replace(each, holder=_name_of(each.holder, pids)) for each in leases],
            head=max(heads, default=0),
            streams={name: int(state["last_seq"]) for name, state in streams.items()},
            primary=primary,
        )

    async def _leases(self) -> list[Lease]:
        try:
            async with asyncio.timeout(PATIENCE):
                documents = await self._mongo[DATABASE]["leases"].find(sort=[("_id", 1)]).to_list()
        except (PyMongoError, TimeoutError):
            return []
        return [Lease(str(each["_id"]), str(each.get("holder", "")), each.get("until")) for each in documents]

    async def _primary(self) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                address = await self._mongo.primary
        except (PyMongoError, TimeoutError):
            return ""
        ports = {node.known_as: node.name for node in self._cluster.mongo.nodes}
        return ports.get(address[1], "") if address else ""


def _name_of(holder: str, pids: Mapping[str, str]) -> str:
    """Return the process that holds a lease as HOST-PID-RANDOM; or the holder, if it is none of these."""
    return next((pids[part] for part in reversed(holder.split("-")) if part in pids), holder)


def _one(
    member: Member, detail: Mapping[str, Any] | None = None, nodes: Mapping[str, str] | None = None
) -> One:
    ready = ""
    if detail is not None:
        ready = "; ".join(detail.get("missing", ())) or ("ready" if detail else "does not respond")
    return One(
        name=member.name,
        pid=member.pid,
        state=member.state,
        address=member.address,
        starts=member.starts,
        ready=ready,
        reads_from=(nodes or {}).get((detail or {}).get("readsFrom") or "", ""),
        positions={each["readModel"]: int(each["position"]) for each in (detail or {}).get("readModels", ())},
    )
