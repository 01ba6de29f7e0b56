"""Another revision in a checkout and an environment of its own, to be measured beside this one."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tests.bench.candidates import Stores
from tests.bench.shop import PROJECT

_NEWEST = (
    "from alembic.script import ScriptDirectory; print(ScriptDirectory('app/migrations').get_current_head())"
)


class NoSuchRevision(Exception):
    """The revision can't be checked out or installed; the message says why."""


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Check out a revision and install it; remove it when the block ends. Raises `NoSuchRevision`."""
    with TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        checkout = Path(folder) / "checkout"
        git = ("git", "-C", str(PROJECT), "worktree")
        _run(*git, "add", "--detach", str(checkout), revision)
        try:
            print(f"Installing {revision} in {checkout}", flush=True)
            _run(str(checkout / "scripts" / "install"), "run")
            yield checkout
        finally:
            _run(*git, "remove", "--force", str(checkout))


@asynccontextmanager
async def with_stores_for(checkout: Path | None, stores: Stores) -> AsyncIterator[Stores]:
    """Yield the stores, with a copy of the write store and a database of its own for another revision."""
    if checkout is None:
        yield stores
        return
    with TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        other = replace(stores, folder=Path(folder), database=f"{stores.database}_other")
        engine = sa.create_engine(f"sqlite:///{stores.write_store}")
        with engine.connect() as connection:
            connection.execute(sa.text("VACUUM INTO :file"), {"file": str(other.write_store)})
        engine.dispose()
        if (keys := stores.folder / "keys.db").exists():
            shutil.copy(keys, other.folder)
        await lend(f"sqlite+aiosqlite:///{other.write_store}", checkout)
        yield replace(stores, other=other)


async def lend(write_store: str, checkout: Path) -> None:
    """Let another revision use a write store that this one may have migrated.

    Processes that started before a migration go on with it; only a start refuses a newer schema.
    """
    # In that revision's own environment: its migrations may import what has another place here.
    newest = _run(str(checkout / ".venv" / "bin" / "python"), "-c", _NEWEST, folder=checkout)
    engine = create_async_engine(write_store)
    async with engine.begin() as connection:
        stamp = sa.text("UPDATE alembic_version SET version_num = :newest")
        await connection.execute(stamp, {"newest": newest})
    await engine.dispose()


def _run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise NoSuchRevision(f"{' '.join(command)} has failed:\n{done.stderr.strip()}")
    return done.stdout.strip()
