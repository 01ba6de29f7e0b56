"""A write store whose file is taken away: what is committed to a file without a name is gone in the end."""

import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from app.cqrs.commands.outcomes import CommandKey
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.engines.opening import open_database
from tests.stores.book import PageTurned, Store, cause


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "write.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    async with open_database(f"sqlite+aiosqlite:///{file}") as engines:
        store = Store(engines)
        await store.turn("book-1", 0)
        yield store


async def turn_while(store: Store, happens: Callable[[], object]) -> None:
    async with store.begin(cause()) as work:
        await work.earlier(CommandKey("Ada", uuid7()))  # which begins the transaction
        happens()
        work.record("book-1", 1, [PageTurned(page=2)])
        await work.commit("")


@pytest.mark.parametrize("another", [False, True])
async def test_nothing_is_accepted_by_a_file_that_was_removed_or_replaced(
    store: Store, file: Path, another: bool
) -> None:
    def remove() -> None:
        file.unlink()
        if another:
            file.touch()

    with pytest.raises(WriteStoreUnavailable, match="removed or replaced"):
        await turn_while(store, remove)
    for refused in (partial(store.turn, "book-1", 1), store.probe, store.head):
        with pytest.raises(WriteStoreUnavailable, match="Put the file back and restart the service"):
            await refused()
    assert (file.name in os.listdir(file.parent)) == another


async def test_nothing_is_accepted_once_the_file_is_removed_that_commits_are_written_to(
    store: Store, file: Path
) -> None:
    with pytest.raises(WriteStoreUnavailable, match="removed or replaced"):
        await turn_while(store, Path(f"{file}-wal").unlink)
    for refused in (partial(store.turn, "book-1", 2), store.probe):
        with pytest.raises(WriteStoreUnavailable, match="Put the file back and restart the service"):
            await refused()
