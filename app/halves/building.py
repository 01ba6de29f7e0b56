"""The building of one generation's documents, in a process that does nothing else.

`BuildingApart` starts it as `python -m app build`, with an order on standard input, which stays open: at its
end, this process finishes its transaction and ends. It prints the positions that the documents reach.
"""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import msgspec

from app.config import Settings
from app.cqrs.documents.generations import Generation
from app.cqrs.freshness.progress import Progress, ReadModelState
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.head import Head
from app.cqrs.projecting.projector import Projector
from app.declared import EVENTS, read_models
from app.forgetting import opened_keys
from app.stores.mongo.store import open_read_store
from app.stores.sql.engines.opening import open_database
from app.stores.sql.write_store import SqlWriteStore

logger = logging.getLogger(__name__)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The documents to build, and the stores to build them from and in."""

    settings: str
    """The settings of the service, as JSON."""
    mongodb_url: str
    """The URL of the service's MongoDB, also of an embedded one."""
    generation: str
    """The key of the generation."""


async def build(order: Order) -> bool:
    """Build documents from the log, and return whether they have reached its head.

    End before that if an event can't be applied, which the service finds out for itself, or if nobody waits
    for them any more. Raise what a store raises that can't be opened.
    """
    settings, generation = Settings.model_validate_json(order.settings), Generation.of_key(order.generation)
    models = {model.generation.numbered(generation.number): model for model in read_models(settings.days)}
    if generation not in models:
        logger.warning("Another version of the program is installed now: generation=%s", generation.key)
        return False
    async with (
        open_database(settings.write_store, migrates=False) as engines,
        opened_keys(settings) as keys,
        open_read_store(
            order.mongodb_url,
            settings.mongodb_database,
            settings.mongo_driver,
            majority=settings.is_one_of_several,
        ) as store,
    ):
        log, head = SqlWriteStore(engines, EVENTS, keys=keys), Head()
        head.rise(await log.head(), datetime.now(UTC))
        progress, ended = Progress(generation.read_model, head), asyncio.Event()
        told = 0

        def moved(progress: Progress) -> None:
            nonlocal told
            if progress.position != told:
                told = progress.position
                sys.stdout.write(f"{told}\n")
                sys.stdout.flush()
            if progress.state is not ReadModelState.CATCHING_UP:
                ended.set()

        progress.watch(moved)
        projector = Projector(
            models[generation].of(generation),
            log=log,
            bus=AsyncioEventBus(),
            store=store,
            progress=progress,
            skips=log,
        )
        await _first(projector.run(), ended.wait(), _nobody_waits())
        return progress.state is ReadModelState.LIVE


async def _nobody_waits() -> None:
    """Wait until standard input ends, because the service wants no more of it, or has ended."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    await reader.read()


async def _first(*works: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of them ends, and end the others; raise what that one raises."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()
