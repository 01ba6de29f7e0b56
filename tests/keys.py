"""The keys of personal data, as the service finds them for a write store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.stores.sql.keys.person_keys import PersonKeys
from app.stores.sql.keys.store import beside, open_keys


@asynccontextmanager
async def keys_of(write_store: str | Path, keys_url: str | None = None) -> AsyncIterator[PersonKeys]:
    """The keys of a write store: those at a URL, or else those that lie beside it."""
    async with open_keys(keys_url or beside(write_store)) as store:
        yield await PersonKeys.read(store)
