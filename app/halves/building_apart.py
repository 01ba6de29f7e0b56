"""Documents that nobody reads yet are built by a process of their own, as long as they are far behind.

In the process that serves, a rebuild and the readers would wait for one another: only one thread of a process
runs Python code at a moment.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

import app
from app.config import Settings
from app.cqrs.impersonal import outline
from app.cqrs.log.head import Head
from app.cqrs.projecting.projector import Projector
from app.halves.building import Order
from app.stores.mongo.embedded.mongod import die_with
from app.stores.mongo.store import MongoReadStore

ENDS_WITHIN = 10.0
"""Seconds in which the process finishes its transaction, before it is killed."""

logger = logging.getLogger(__name__)


class BuildingApart:
    """Starts a process for each generation whose documents are far behind."""

    def __init__(self, settings: Settings, mongodb_url: str, store: MongoReadStore, head: Head) -> None:
        here = settings.model_copy(update={"data_dir": settings.data_dir.absolute()})
        self._settings = here.model_dump_json(exclude_none=True)
        self._least = settings.build_apart_events
        self._mongodb_url = mongodb_url
        self._store = store
        self._head = head

    async def build(self, projector: Projector) -> None:
        """Build the documents of a projector that does not run, up to the head, and tell its progress.

        Whatever is missing after that is left to the projector: all of it if the documents are not far
        behind, and the rest if the process has failed.
        """
        key = projector.model.key
        order = Order(settings=self._settings, mongodb_url=self._mongodb_url, generation=key)
        try:
            if not await self._is_far_behind(projector):
                return
            async with _process(order) as process:
                logger.info("A process builds documents: generation=%s pid=%d", key, process.pid)
                assert process.stdout
                async for line in process.stdout:
                    projector.progress.reached(int(line))
                failed = await process.wait()
        except Exception as reason:  # The projector goes on, and knows what to do if it meets the same.
            logger.warning("No process can build documents: generation=%s error=%s", key, outline(reason))
        else:
            position = projector.progress.position
            if failed:
                logger.warning(
                    "The process that built documents has ended early, and this one goes on: "
                    "generation=%s position=%d",
                    key,
                    position,
                )
            else:
                logger.info("A process has built documents: generation=%s position=%d", key, position)

    async def _is_far_behind(self, projector: Projector) -> bool:
        if not self._least:
            return False
        checkpoint = await self._store.checkpoint(projector.model)
        return self._head.position - checkpoint.position >= self._least


@asynccontextmanager
async def _process(order: Order) -> AsyncIterator[Process]:
    """Start the program that builds documents; when the block has ended, it has ended, too."""
    home = Path(app.__file__).parent.parent
    paths = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH")]))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "app", "build"),
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,  # Ctrl-C is for the service, which ends it.
        # If the service is killed, this ends at once, even while it is loading or waits for a store.
        preexec_fn=die_with(os.getpid()) if sys.platform == "linux" else None,
    )
    assert process.stdin
    try:
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        yield process
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(ENDS_WITHIN):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
