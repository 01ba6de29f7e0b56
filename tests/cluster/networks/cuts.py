"""The networks of a cluster, each of which can be cut: links in front of all its engines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.networks.links import Link
from tests.ports import free_port
from tests.postgres import hand_to_owner

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.cluster.members.mongod import MongoNode
    from tests.cluster.members.service import ServiceProcess

_SOCKET = ".s.PGSQL.5432"


class Links:
    """Links from each process to NATS and PostgreSQL, and from everybody to each mongod.

    A replica set tells its clients the addresses of its nodes, which are the same for all of them. A link to
    a node finds out whose each connection is when one process is cut off.
    """

    def __init__(self, cluster: Cluster, sockets: Path) -> None:
        self._cluster = cluster
        self._sockets = sockets
        self.to_nats: dict[str, Link] = {}
        self.to_postgres: dict[str, Link] = {}
        self.to_mongod: dict[str, Link] = {}
        for node in cluster.mongo.nodes:
            node.known_as = cluster.port(f"{node.name}-link")
            address, server = ("127.0.0.1", node.known_as), ("127.0.0.1", node.port)
            self.to_mongod[node.name] = Link(address, server)

    def environment(self, name: str) -> Mapping[str, str]:
        """Return the settings with which a process uses its links."""
        nats, folder = ("127.0.0.1", free_port()), self._sockets / name
        folder.mkdir()
        hand_to_owner(folder)
        self.to_nats[name] = Link(nats, ("127.0.0.1", self._cluster.nats.port))
        self.to_postgres[name] = Link(folder / _SOCKET, self._sockets / _SOCKET)
        url = self._cluster.postgres.url.replace(str(self._sockets), str(folder))
        return {
            "NATS_URL": f"nats://{nats[0]}:{nats[1]}",
            "DATABASE_URL": url,
            "MONGODB_URL": self._cluster.mongo.url,
        }

    async def start(self) -> None:
        """Have all links listen."""
        for link in (*self.to_nats.values(), *self.to_postgres.values(), *self.to_mongod.values()):
            await link.start()

    async def close(self) -> None:
        """Close all links."""
        for link in (*self.to_nats.values(), *self.to_postgres.values(), *self.to_mongod.values()):
            await link.close()

    def cut_node(self, node: MongoNode) -> None:
        """Cut a mongod off from everybody, the other nodes included."""
        for name, link in self.to_mongod.items():
            link.cut(None if name == node.name else [node.pid or 0])

    def cut_from_node(self, process: ServiceProcess, node: MongoNode) -> None:
        """Cut a process off from a mongod."""
        self.to_mongod[node.name].cut([process.pid or 0])

    def heal(self) -> None:
        """Let everything pass again."""
        for link in (*self.to_nats.values(), *self.to_postgres.values(), *self.to_mongod.values()):
            link.heal()
