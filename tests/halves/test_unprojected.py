"""Documents that no process projects are named, once somebody would have taken their lease."""

import asyncio
import logging
from collections.abc import Mapping

import pytest

from app.cqrs.freshness.progress import Progress
from app.cqrs.log.head import Head
from app.halves import unprojected as unprojected_module
from app.halves.unprojected import Unprojected
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.notes import notes

LEASE = notes.generation.numbered(1).key


async def until(unprojected: Unprojected, named: Mapping[str, str]) -> None:
    async with asyncio.timeout(10):
        while unprojected.named() != named:  # noqa: ASYNC110 - it is asked like this by health checks
            await asyncio.sleep(0.01)


async def test_documents_are_named_while_they_are_behind_and_nobody_holds_their_lease(
    read_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unprojected_module, "LOOKED_EVERY", 0.01)
    monkeypatch.setattr(unprojected_module, "MISSED_AFTER", 0.2)
    progress = Progress(notes.name, Head())
    unprojected = Unprojected([notes], {notes.name: progress}, read_store.leases)
    async with asyncio.TaskGroup() as running:
        looking = running.create_task(unprojected.run())
        await until(unprojected, {notes.name: LEASE})
        await read_store.leases.take([LEASE], "a projector", 60)
        await until(unprojected, {})
        await read_store.leases.give_back("a projector")
        await until(unprojected, {notes.name: LEASE})
        progress.live()
        await until(unprojected, {})
        looking.cancel()
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said == 2 * [
        "No process projects documents that this process reads. Start a projector of the same version, with "
        f"the same TIME_ZONE: read_model=notes generation={LEASE}"
    ]
