"""What is measured: Diptych as it is served, in its variants, and the baselines. A line each."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.config import Settings
from tests.bench.machine import Cores, pin
from tests.service import running

PATIENCE = 60.0
"""Seconds for a start."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A server that answers the three queries."""

    name: str
    """As `--only` and the tables call it."""
    says: str
    module: str | None = None
    """The baseline's, whose `app` uvicorn serves; Diptych where there is none."""
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
    def there(self) -> bool:
        """Whether this Diptych has the settings that the variant is about."""
        return bool(self.module) or {name.lower() for name in self.environment} <= {*Settings.model_fields}


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
BASELINES = (CONSTANT, PLAIN, PLAIN_PYMONGO, STRAWBERRY, CACHING, SELECTINLOAD)

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

CANDIDATES = (*BASELINES, *(variant for variant in VARIANTS if variant.there))


@dataclass(frozen=True)
class Stores:
    """Where all candidates find the same data."""

    folder: Path
    mongodb_url: str
    mongod: int
    """Its process."""
    database: str = "diptych"

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
    environment = {**stores.environment, **candidate.environment}
    serving = _serving(candidate.module, environment) if candidate.module else diptych(stores, **environment)
    async with serving as server:
        pin(server.process, cores.server)
        yield server


@asynccontextmanager
async def diptych(stores: Stores, **environment: str) -> AsyncIterator[Running]:
    """`python -m app serve`."""
    async with running(stores.folder, "--no-demo", **environment) as service:
        yield Running(service.url, service.process.pid)


@asynccontextmanager
async def _serving(module: str, environment: Mapping[str, str]) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", f"{module}:app", "--port", "0", "--loop", "uvloop"),
        *("--http", "httptools", "--no-access-log", "--no-server-header"),
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
                raise AssertionError(f"{module} did not start; it said:\n{said.decode()}")
        yield Running(found[1].decode(), process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(PATIENCE):
                await process.communicate()
