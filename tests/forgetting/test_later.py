"""What can't be removed at once, because somebody reads it or the disk is full, is removed later."""

import asyncio
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.config import Settings
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.engines.sqlite import rewrite, truncate_log
from schema.circle.ids import key_of
from tests.forgetting.people import files_below, lived
from tests.inprocess import Service, serving
from tests.schema.shop import Shop


@pytest.fixture
async def service(tmp_path: Path, mongo_url: str) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=f"later_{tmp_path.name[-20:]}"
    )
    async with serving(settings) as service:
        yield service


@contextmanager
def reader_of(file: Path, table: str) -> Iterator[None]:
    """Somebody who goes on reading what a file has now."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()
        yield


def is_done(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "write.db")) as connection:
        [done] = connection.execute("SELECT done FROM forgotten").fetchone()
        return bool(done)


@pytest.mark.parametrize(("file", "table"), [("keys.db", "person_keys"), ("write.db", "events")])
async def test_while_somebody_reads_what_was_there_a_forgetting_is_not_done(
    service: Service, tmp_path: Path, file: str, table: str
) -> None:
    ids = await lived(Shop(service.client))
    person = key_of("Customer", ids["customer"])
    sealed = service.circle.log.sealed  # type: ignore[attr-defined]
    [key] = (await sealed._keys.store.find([person])).values()
    with reader_of(tmp_path / file, table):
        forgotten = await service.client.mutate("forgetCustomer", "", customerId=ids["customer"])
        assert forgotten["errors"] == []
        assert not is_done(tmp_path)
    await sealed.finish_forgetting()
    assert is_done(tmp_path)
    assert [name for name, content in files_below(tmp_path) if key in content] == []


def _in_a_full_disk(file: Path) -> None:
    """As it is where no file can grow, and then with room again."""
    size = file.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    assert not truncate_log(file), "there is no room for what the log has"
    with pytest.raises(WriteStoreUnavailable, match="make room, and repeat this"):
        rewrite(file)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert truncate_log(file)
    rewrite(file)


async def test_a_full_disk_is_no_reason_to_stop_and_what_was_left_is_removed_once_there_is_room(
    tmp_path: Path,
) -> None:
    file = tmp_path / "write.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE names (name TEXT)")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.executemany("INSERT INTO names VALUES (?)", [("x" * 1000,)] * 200)
        connection.commit()
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, str(file))
        assert await child.wait() == 0


if __name__ == "__main__":
    _in_a_full_disk(Path(sys.argv[1]))
