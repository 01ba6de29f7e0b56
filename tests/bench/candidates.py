"""What is measured: Diptych as it is served, in its variants, and the baselines. A line each."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from app.config import Settings
from app.declared import READ_MODELS as _KNOWN  # noqa: F401 - it registers the events, on which names depend
from app.read_models.customer_overview import customers
from app.read_models.order_details import orders
from app.read_models.product_listing import products
from tests.bench.machine import Cores, pin
from tests.node import NoNode, find_node, project
from tests.service import running

CLIENTS = Path(__file__).parents[1] / "clients"
"""The npm project with the packages of node's baselines."""

PATIENCE = 60.0
"""Seconds for a start."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A server that answers the three queries."""

    name: str
    """As `--only` and the tables call it."""
    says: str
    module: str | None = None
    """The Python module of a baseline, whose `app` uvicorn serves."""
    script: str | None = None
    """The script of a baseline, which node runs in `tests/clients`."""
    checkout: Path | None = None
    """The checkout of another revision of Diptych; `None` for this one."""
    graphql: bool = False
    constant: bool = False
    """It is sent what Diptych is sent, and answers as many bytes."""
    environment: Mapping[str, str] = field(default_factory=dict)
    commands: float = 0
    """Invalidating commands a second that run beside."""

    @property
    def keeps(self) -> bool:
        """Whether it answers from a cache."""
        return self.environment.get("READ_CACHE_MB", "0") != "0"

    @property
    def is_diptych(self) -> bool:
        """Whether it is Diptych, of this or another revision, and no baseline."""
        return not (self.module or self.script)

    @property
    def there(self) -> bool:
        """Whether it can be measured: with this node, and with the settings that this Diptych has."""
        if self.script:
            return has_node()
        return not self.is_diptych or {name.lower() for name in self.environment} <= {*Settings.model_fields}


def has_node() -> bool:
    """Return whether there is a node that is new enough."""
    try:
        find_node()
    except NoNode:
        return False
    return True


def _baseline(name: str, says: str, module: str, **more: bool | Mapping[str, str]) -> Candidate:
    return Candidate(name=name, says=says, module=f"tests.bench.baselines.{module}", **more)  # type: ignore[arg-type]


def _diptych(name: str, says: str, *, commands: float = 0, **settings: str) -> Candidate:
    return Candidate(name=name, says=says, graphql=True, environment=settings, commands=commands)


CONSTANT = _baseline("constant", "a constant from a bare ASGI app", "constant", constant=True)
PLAIN = _baseline("plain-motor", "plain Starlette, motor, orjson", "plain_motor")
PLAIN_PYMONGO = _baseline("plain-pymongo", "plain Starlette, pymongo async, orjson", "plain_pymongo")
STRAWBERRY = _baseline("strawberry", "ordinary strawberry, motor", "ordinary_strawberry", graphql=True)
CACHING = _baseline(
    *("strawberry-caches", "the same with its two caches", "ordinary_strawberry"),
    graphql=True,
    environment={"WITH_CACHES": "1"},
)
SELECTINLOAD = _baseline(
    "selectinload", "plain Starlette, SQLAlchemy's ORM on the write store", "selectinload"
)
MERCURIUS = Candidate(
    name="mercurius",
    says="fastify, Mercurius with graphql-jit, and MongoDB's driver for node",
    script="javascript/mercurius.js",
    graphql=True,
    environment={
        "NODE_ENV": "production",
        "ORDERS": orders.stored_as,
        "PRODUCTS": products.stored_as,
        "CUSTOMERS": customers.stored_as,
    },
)
BASELINES = (CONSTANT, PLAIN, PLAIN_PYMONGO, STRAWBERRY, CACHING, SELECTINLOAD, MERCURIUS)

AS_SERVED = _diptych("diptych-cache", "Diptych with its cache", READ_CACHE_MB="64")
"""As `scripts/serve` has it."""

# Those whose settings this Diptych has not are left out.
VARIANTS = (
    _diptych("diptych", "Diptych, no cache", READ_CACHE_MB="0"),
    _diptych(
        "diptych-pymongo", "Diptych, no cache, pymongo async", READ_CACHE_MB="0", MONGO_DRIVER="pymongo"
    ),
    AS_SERVED,
    _diptych("diptych-written", "the same, 50 commands a second beside", READ_CACHE_MB="64", commands=50),
)

CANDIDATES = tuple(candidate for candidate in (*BASELINES, *VARIANTS) if candidate.there)


def against(checkout: Path, revision: str) -> tuple[Candidate, ...]:
    """Return the variants of Diptych as another revision serves them."""
    return tuple(
        replace(
            variant,
            name=f"{variant.name}@{revision}",
            says=f"{variant.says}, of {revision}",
            checkout=checkout,
        )
        for variant in VARIANTS
        if variant.there
    )


@dataclass(frozen=True)
class Stores:
    """Where all candidates find the same data."""

    folder: Path
    mongodb_url: str
    mongod: int
    """Its process."""
    database: str = "diptych"
    other: "Stores | None" = None
    """Those of another revision that is measured, too."""

    def of(self, candidate: Candidate) -> "Stores":
        """Return the stores of a candidate."""
        return self.other if self.other and candidate.checkout else self

    @property
    def write_store(self) -> Path:
        """The SQLite file."""
        return self.folder / "write.db"

    @property
    def environment(self) -> dict[str, str]:
        """As settings."""
        return {
            "MONGODB_URL": self.mongodb_url,
            "MONGODB_DATABASE": self.database,
            "DATABASE_URL": f"sqlite+aiosqlite:///{self.write_store}",
        }


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    url: str
    process: int

    @property
    def port(self) -> int:
        """On loopback."""
        port = urlsplit(self.url).port
        assert port
        return port


@asynccontextmanager
async def started(candidate: Candidate, stores: Stores, cores: Cores) -> AsyncIterator[Running]:
    """Serves until the block ends, on the server's core."""
    stores = stores.of(candidate)
    environment = {**stores.environment, **candidate.environment}
    if candidate.is_diptych:
        serving = diptych(stores, candidate.checkout, **environment)
    elif candidate.script:
        node = await project(CLIENTS)
        serving = _serving(node.command(candidate.script), node.folder, environment)
    else:
        uvicorn = (
            sys.executable,
            "-m",
            "uvicorn",
            f"{candidate.module}:app",
            "--port",
            "0",
            "--loop",
            "uvloop",
        )
        options = ("--http", "httptools", "--no-access-log", "--no-server-header")
        serving = _serving((*uvicorn, *options), None, environment)
    async with serving as server:
        pin(server.process, cores.server)
        yield server


@asynccontextmanager
async def diptych(stores: Stores, checkout: Path | None = None, **environment: str) -> AsyncIterator[Running]:
    """`python -m app serve`."""
    async with running(stores.folder, "--no-demo", checkout=str(checkout or ""), **environment) as service:
        yield Running(service.url, service.process.pid)


@asynccontextmanager
async def _serving(
    command: Sequence[str], folder: Path | None, environment: Mapping[str, str]
) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdout=PIPE,
        stderr=STDOUT,
        env={**os.environ, **environment},
    )
    assert process.stdout
    said = b""
    try:
        async with asyncio.timeout(PATIENCE):
            async for line in process.stdout:
                said += line
                if found := re.search(rb"running on (http://\S+)", line):
                    break
            else:
                raise AssertionError(f"{' '.join(command)} did not start; it said:\n{said.decode()}")
        yield Running(found[1].decode(), process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(PATIENCE):
                await process.communicate()
