from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.cqrs.documents.read_model import Collection, Document, ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.log.events import RecordedEvent
from app.cqrs.messages import Event
from app.cqrs.reading.pages import value_at
from app.stores.fts5.store import IndexedReadStore, open_indexed_store
from app.stores.mongo.store import MongoReadStore
from tests.read_models.shop import History


@dataclass
class Given:
    """Given these events, the read model's documents are found as they are after them."""

    store: MongoReadStore | IndexedReadStore
    history: History = field(default_factory=History)

    async def __call__(self, model: ReadModel, *events: Event) -> list[DocumentChanged]:
        await self.store.prepare(model)
        await self.store.index(model)
        return await project(self.store, model, self.history.record(*events))

    async def all(self, collection: Collection) -> list[Document]:
        return await self.store.find(collection, {}, sort=[("_id", 1)])

    async def only(self, collection: Collection) -> Document:
        [document] = await self.all(collection)
        return document


async def project(
    store: MongoReadStore | IndexedReadStore, model: ReadModel, events: list[RecordedEvent]
) -> list[DocumentChanged]:
    """Applies consecutive events in one batch."""
    changes = [(event, change) for event in events for change in model.changes(event)]
    start = events[0].position - 1
    notices = await store.apply(model, changes, since=start, start=start, end=events[-1])
    for _, change in changes:
        for path, text in (change.known or {}).items():
            [document] = (await store.get(change.collection, [str(change.id)])).values()
            assert value_at(document, path) == text, f"{change} claims to know another text"
    return notices


@pytest.fixture
def given(read_store: MongoReadStore) -> Given:
    return Given(read_store)


@pytest.fixture(params=["mongodb", "fts5"])
async def given_to_search(
    read_store: MongoReadStore, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Given]:
    """The read store with each search engine."""
    if request.param == "mongodb":
        yield Given(read_store)
        return
    async with open_indexed_store(read_store, tmp_path / "search.db") as store:
        yield Given(store)
        assert not store.passed_on
