"""Diptych as several processes on one machine: PostgreSQL, three mongods, nats-server, roles, and a proxy."""

import asyncio
import fcntl
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cluster.members.member import Member
from tests.cluster.members.mongod import MongoNode, ReplicaSet
from tests.cluster.members.nats import NatsServer
from tests.cluster.members.postgres import PostgresServer
from tests.cluster.members.service import ServiceProcess
from tests.cluster.needs import Missing, check_memory, check_port, check_wheels
from tests.cluster.networks.cuts import Links
from tests.cluster.proxy import Proxy, Upstream
from tests.ports import free_port
from tests.postgres import hand_to_owner

DATABASE = "diptych"
"""The database of the documents."""

MONGODS = 3
ALL = "command,query,projector"
TWO_OF_EACH = ("command", "command", "query", "query", "projector", "projector")

_PORTS, _LOCK = "ports.json", "cluster.lock"


class Cluster:
    """All members and the proxy in front of the query processes; everything they keep is in one folder."""

    def __init__(
        self,
        folder: Path,
        sockets: Path,
        roles: Sequence[str] = TWO_OF_EACH,
        *,
        port: int = 0,
        environment: Mapping[str, str] | None = None,
        cuttable: bool = False,
    ) -> None:
        """Lay out a cluster. The networks between its processes can be cut if it is `cuttable`."""
        mongod, nats = check_wheels()
        check_memory(len(roles))
        self.folder = folder = folder.absolute()
        logs = folder / "logs"
        logs.mkdir(exist_ok=True)
        self._ports = _known_ports(folder)
        self.postgres = PostgresServer("postgres", folder / "postgres", sockets)
        names = [f"mongod-{number}" for number in range(1, MONGODS + 1)]
        self.mongo = ReplicaSet(
            [MongoNode(name, folder / name, self.port(name), mongod, logs / f"{name}.log") for name in names]
        )
        nats_ports = self.port("nats"), self.port("nats-monitoring")
        self.nats = NatsServer("nats", folder / "nats", *nats_ports, nats, logs / "nats.log")
        self._environment = {
            "DATABASE_URL": self.postgres.url,
            "MONGODB_URL": self.mongo.url,
            "MONGODB_DATABASE": DATABASE,
            "NATS_URL": self.nats.url,
            **(environment or {}),
        }
        self.links = Links(self, sockets) if cuttable else None
        self._count: Counter[str] = Counter()
        self.processes = [self._process(each, logs) for each in roles]
        self.proxy = Proxy(
            [Upstream(each.name, "127.0.0.1", each.port) for each in self.processes if "query" in each.roles],
            port,
        )
        (folder / _PORTS).write_text(json.dumps(self._ports, indent=2) + "\n")

    @property
    def url(self) -> str:
        """The URL in front of all query processes, without a path."""
        return self.proxy.url

    @property
    def engines(self) -> Sequence[Member]:
        """The servers that Diptych stands on."""
        return (self.postgres, *self.mongo.nodes, self.nats)

    @property
    def members(self) -> Sequence[Member]:
        """Every process of the cluster, engines first."""
        return (*self.engines, *self.processes)

    def of(self, role: str) -> list[ServiceProcess]:
        """Return the processes that have a role."""
        return [process for process in self.processes if role in process.roles.split(",")]

    def leave_out(self, setting: str) -> None:
        """Start the processes of Diptych without a setting."""
        for process in self.processes:
            process.leave_out(setting)

    async def start(self, *, demo: bool = False) -> None:
        """Start everything, engines first; return when each process responds, and the proxy listens.

        With `demo`, an empty write store gets a demo shop. Raise `Missing` or `DidNotStart`.
        """
        for name, port in self._ports.items():
            check_port(name, port, otherwise=f"remove {self.folder} if nothing in it is needed")
        try:
            await self.proxy.start()
        except OSError:
            raise Missing(
                f"Port {self.proxy.port}, which the proxy needs, is taken by another program. End that, or "
                "choose another port with --port, or any with --port 0."
            ) from None
        if self.links:
            await self.links.start()
        async with asyncio.TaskGroup() as starting:
            for engine in (self.postgres.prepare(), self.mongo.start(), self.nats.start()):
                starting.create_task(engine)
        # The first command process creates the tables, which the others would wait for.
        first, *others = sorted(self.processes, key=lambda process: "command" not in process.roles)
        first.arguments = ("--demo",) if demo else ("--no-demo",)
        await first.start()
        async with asyncio.TaskGroup() as starting:
            for process in others:
                starting.create_task(process.start())

    async def until_ready(self) -> None:
        """Wait until every process of the proxy serves: its stores take writes, its read models are live."""
        await self.proxy.until_ready()

    async def stop(self) -> None:
        """Stop everything: the proxy, the processes, and the engines last."""
        await self.proxy.close()
        await self.stop_processes()
        await asyncio.gather(self.postgres.stop(), self.nats.stop(), self.mongo.stop())
        if self.links:
            await self.links.close()

    async def stop_processes(self) -> Mapping[str, int | None]:
        """Stop the processes of Diptych, and no engine; return their exit codes by their names."""
        codes = await asyncio.gather(*(process.stop() for process in self.processes))
        return {process.name: code for process, code in zip(self.processes, codes, strict=True)}

    def _process(self, roles: str, logs: Path) -> ServiceProcess:
        kind = "all" if roles == ALL else roles.replace(",", "+")
        self._count[kind] += 1
        name = f"{kind}-{self._count[kind]}"
        folder, log = self.folder / name, logs / f"{name}.log"
        own = self.links.environment(name) if self.links else {}
        return ServiceProcess(name, roles, folder, self.port(name), {**self._environment, **own}, log)

    def port(self, name: str) -> int:
        # The same at each start on the same folder: mongods know one another by their addresses.
        while name not in self._ports:
            port = free_port()
            if port not in self._ports.values():
                self._ports[name] = port
        return self._ports[name]


@asynccontextmanager
async def open_cluster(
    folder: Path | None = None,
    roles: Sequence[str] = TWO_OF_EACH,
    *,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    cuttable: bool = False,
) -> AsyncIterator[Cluster]:
    """Yield a cluster that is to be started, on a folder or a temporary one; stop it when the block ends.

    Raise `Missing` if this machine lacks something, or another cluster runs on the folder.
    """
    async with AsyncExitStack() as opened:
        where = Path(opened.enter_context(temporary_folder())) if folder is None else folder
        opened.enter_context(_alone_on(where))
        # Sockets have short paths, which a folder's need not be.
        sockets = Path(opened.enter_context(temporary_folder()))
        hand_to_owner(sockets)
        cluster = Cluster(where, sockets, roles, port=port, environment=environment, cuttable=cuttable)
        opened.push_async_callback(cluster.stop)
        yield cluster


@contextmanager
def temporary_folder() -> Iterator[str]:
    """Yield a folder that PostgreSQL's user can pass; remove it with all that is in it at the end."""
    with TemporaryDirectory(prefix="cluster-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # the user who runs PostgreSQL instead of root goes through it
        yield folder


@contextmanager
def _alone_on(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made if it is not there; raise `Missing` if another has it."""
    with ExitStack() as opened:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o711)
            lock = opened.enter_context((folder / _LOCK).open("a"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Missing(
                f"Another cluster runs on {folder}. Stop that one, or choose another folder."
            ) from None
        except OSError as error:
            raise Missing(f"Can't use {folder}: {error.strerror}. Choose another folder.") from None
        if not os.geteuid():
            _check_that_others_pass(folder)
        yield


def _check_that_others_pass(folder: Path) -> None:
    """Raise `Missing` if the user who runs PostgreSQL instead of root can't reach the folder."""
    closed = [
        each for each in (folder.absolute(), *folder.absolute().parents) if not each.stat().st_mode & 0o001
    ]
    if closed:
        raise Missing(
            f"PostgreSQL does not run as root, and its own user can't pass {closed[0]}. Choose a folder "
            f"below /tmp, or allow it with chmod o+x {closed[0]}."
        )


def _known_ports(folder: Path) -> dict[str, int]:
    file = folder / _PORTS
    try:
        known: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    except ValueError:
        raise Missing(f"{file} is no JSON. Remove {folder} if nothing in it is needed.") from None
    return known
