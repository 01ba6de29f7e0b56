from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.stores.fts5.store import IndexedReadStore, open_indexed_store
from app.stores.mongo.store import MongoReadStore


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the search index."""
    return tmp_path / "search.db"


@pytest.fixture
async def indexed(read_store: MongoReadStore, file: Path) -> AsyncIterator[IndexedReadStore]:
    """An empty read store with a search index."""
    async with open_indexed_store(read_store, file) as store:
        yield store
