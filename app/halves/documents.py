"""The document store that both other halves use: an embedded mongod or a replica set, opened and examined."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.config import Settings
from app.cqrs.circle import Restarts
from app.cqrs.documents.store import DocumentReader
from app.cqrs.impersonal import outline
from app.stores.fts5.store import IndexedReadStore, open_indexed_store
from app.stores.mongo.embedded.mongod import Mongod, embedded_mongod
from app.stores.mongo.embedded.mongod_binary import MongodError
from app.stores.mongo.pinned.choice import Choice
from app.stores.mongo.pinned.reads import PinnedReads, open_pinned_reads
from app.stores.mongo.store import MongoReadStore, open_read_store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DocumentStores:
    """The document store, alone or with a search index beside it."""

    mongod: Mongod | None
    """The embedded mongod; `None` with MONGODB_URL."""
    url: str
    """The URL of the MongoDB, also of the embedded one."""
    mongo: MongoReadStore
    documents: MongoReadStore | IndexedReadStore
    """The store as projectors use it."""
    pinned: PinnedReads | None
    """The node that queries read from; `None` if they read from `documents`, because no other process may
    change these."""

    @property
    def read(self) -> DocumentReader:
        """The store as queries use it."""
        return self.pinned or self.documents

    @property
    def name(self) -> str:
        """The name of the store for messages."""
        if self.mongod:
            return f"an embedded mongod, process {self.mongod.process.pid}"
        return "the MongoDB of MONGODB_URL"


@asynccontextmanager
async def open_documents(
    settings: Settings, lost: Callable[[], None], moved: Callable[[], None]
) -> AsyncIterator[DocumentStores]:
    """Yield the document store, which is fit for use; call `lost` at each loss of the primary.

    Call `moved` before queries read from another node. Raise `MongodError` and `ReadStoreUnavailable`.
    """
    async with AsyncExitStack() as opened:
        mongod = None
        if not settings.mongodb_url:
            mongod = await opened.enter_async_context(embedded_mongod(settings.data_dir, settings.mongod_bin))
        url = mongod.url if mongod else str(settings.mongodb_url)
        mongo = await opened.enter_async_context(
            open_read_store(
                url,
                settings.mongodb_database,
                settings.mongo_driver,
                majority=settings.is_one_of_several,
                lost=lost,
            )
        )
        if settings.mongodb_url:  # The embedded mongod is fit: it has become a primary a moment ago.
            await mongo.refuse_if_unfit()
        await mongo.refuse_if_newer()
        documents: MongoReadStore | IndexedReadStore = mongo
        if settings.search_engine == "fts5":
            documents = await opened.enter_async_context(
                open_indexed_store(mongo, settings.search_index_file)
            )
        pinned = None
        if settings.mongodb_url and settings.is_one_of_several:
            where = settings.mongodb_url, settings.mongodb_database, settings.mongo_driver
            choice = Choice.of(settings.read_from)
            pinned = await opened.enter_async_context(open_pinned_reads(*where, choice, mongo.newest, moved))
        yield DocumentStores(mongod=mongod, url=url, mongo=mongo, documents=documents, pinned=pinned)


async def keep_running(mongod: Mongod, settings: Settings, restarts: Restarts) -> None:
    """Restart the embedded mongod on the same documents whenever it ends."""
    await mongod.process.wait()
    while True:
        restarts.mongod += 1
        logger.error("The embedded mongod has ended and is restarted")
        try:
            async with embedded_mongod(settings.data_dir, settings.mongod_bin) as restarted:
                await restarted.process.wait()
        except MongodError as reason:
            logger.error("The embedded mongod does not start: retry_seconds=1 error=%s", reason)
        except Exception as reason:  # The service goes on: commands need no mongod, and queries wait for it.
            logger.error("The embedded mongod does not start: retry_seconds=1 error=%s", outline(reason))
        await asyncio.sleep(1)
