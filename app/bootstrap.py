"""The composition root: it finds the contexts and read models, and connects the parts of the circle."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from uuid import UUID

import app.read_models
from app.config import Settings
from app.cqrs import contexts
from app.cqrs.circle import Circle, Restarts
from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.carrying_out import Committed
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.documents.days import Days
from app.cqrs.documents.declared import read_models_in
from app.cqrs.documents.own_documents import OwnDocuments
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.freshness.command_status import CommandStatuses
from app.cqrs.freshness.progress import Progress
from app.cqrs.freshness.tokens import Tokens
from app.cqrs.impersonal import outline
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.lists.effects import EventEffects
from app.cqrs.lists.following import LiveLists
from app.cqrs.live.following import Live
from app.cqrs.live.notices import Notices
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.events import Appended
from app.cqrs.log.head import Head
from app.cqrs.log.history import History
from app.cqrs.log.relay import Relay
from app.cqrs.log.shared_log import SharedLog
from app.cqrs.projecting.generations import succeed
from app.cqrs.projecting.operating import Skipping
from app.cqrs.projecting.projections import Projections
from app.cqrs.projecting.projector import Projector
from app.cqrs.projecting.skipping import EventSkipped
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.shared_reader import SharedReader
from app.cqrs.rebuilding.rebuilder import Rebuilder
from app.cqrs.rebuilding.rebuilds import BATCH as BESIDE_OTHERS
from app.cqrs.rebuilding.rebuilds import Rebuilds
from app.cqrs.rebuilding.starting import record_at_start
from app.cqrs.revocations import Revocations
from app.cqrs.unavailable import WriteStoreUnavailable
from app.domain.contexts import CONTEXTS
from app.forgetting import forget_again, opened_keys, prepare_keys
from app.stores.fts5.store import IndexedReadStore, open_indexed_store
from app.stores.mongo.embedded.mongod import Mongod, embedded_mongod
from app.stores.mongo.embedded.mongod_binary import MongodError
from app.stores.mongo.store import MongoReadStore, open_read_store
from app.stores.sql.engines.opening import open_database
from app.stores.sql.write_store import SqlWriteStore

logger = logging.getLogger(__name__)

HANDLERS = contexts.handlers(CONTEXTS)
RULES = contexts.rules(CONTEXTS)
CUSTOMERS_OF = contexts.customers_of(CONTEXTS)
EVENTS = contexts.event_types(CONTEXTS)
EVENTS.add(EventSkipped)

REMEMBERED_AT_START = 1_000
"""Newest events whose positions are loaded at the start, because clients that reconnect send them in tokens
and cursors."""

OTHERS_SEEN_AFTER = 2.0
"""Seconds after which a switch of generations by another process is followed, where there may be any."""

READ_MODELS = read_models_in(app.read_models)
"""The read models of all modules in `app/read_models/`, as they are declared: with days in UTC."""

for _model in READ_MODELS:
    _model.learn(EVENTS)


def read_models(days: Days) -> Sequence[ReadModel]:
    """Return the read models of a shop with these days."""
    return [model.in_days(days) for model in READ_MODELS]


@dataclass(frozen=True, kw_only=True)
class WriteSide:
    """The part of the service that accepts commands, without projections and queries."""

    commands: CommandBus
    log: SqlWriteStore
    store: str
    """The name of the write store for messages."""


@asynccontextmanager
async def open_write_side(
    settings: Settings,
    committed: Committed = lambda _receipt, _actor: None,
    appended: Callable[[Appended], None] = lambda _appended: None,
) -> AsyncIterator[WriteSide]:
    """Yield the write side alone; a service on the same store sees its events within a second.

    Call `committed` with the receipt and the actor of each command, and `appended` with the events of each
    commit. Raise `WriteStoreUnavailable`.
    """
    _make_folder(settings.data_dir)
    async with open_database(settings.write_store) as engines, opened_keys(settings) as keys:
        log = SqlWriteStore(engines, EVENTS, appended, keys)
        commands = CommandBus(
            log, HANDLERS, RULES, customers_of=CUSTOMERS_OF, committed=committed, keyed=keys.keyed
        )
        await prepare_keys(log)
        yield WriteSide(commands=commands, log=log, store=engines.name)


Filling = Callable[[WriteSide], Awaitable[None]]


@asynccontextmanager
async def open_circle(settings: Settings, fill: Filling | None = None) -> AsyncIterator[Circle]:
    """Open the stores, let `fill` send commands, and run relay and projectors until the block ends.

    Raise `MongodError`, `WriteStoreUnavailable` and `ReadStoreUnavailable`.
    """
    async with AsyncExitStack() as opened:
        head, bus, notices, cache = Head(), AsyncioEventBus(), Notices(), ReadCache(settings.read_cache)
        concerned = ConcernedLists()
        rebuilds = Rebuilds(lambda: shared_log.forget())

        def committed(receipt: Receipt, actor: str) -> None:
            if receipt.position:
                history.note(receipt.events)
                head.rise(receipt.position, datetime.now(UTC))
            statuses.committed(receipt, actor)

        def appended(events: Appended) -> None:
            relay.hand_over(events)

        def compare() -> None:
            shared_log.forget()
            rebuilds.doubt()

        _make_folder(settings.data_dir)
        mongod = None
        if not settings.mongodb_url:
            mongod = await opened.enter_async_context(embedded_mongod(settings.data_dir, settings.mongod_bin))
        write_side = await opened.enter_async_context(open_write_side(settings, committed, appended))
        log = write_side.log
        history, shared_log = History(log), SharedLog(log)
        mongo = await opened.enter_async_context(
            open_read_store(
                mongod.url if mongod else str(settings.mongodb_url),
                settings.mongodb_database,
                settings.mongo_driver,
                lost=compare,
            )
        )
        await log.refuse_if_read_only()
        revocations = Revocations(log)
        await revocations.read()
        if settings.mongodb_url:  # The embedded mongod is fit: it has become a primary a moment ago.
            await mongo.refuse_if_unfit()
        await mongo.refuse_if_newer()
        documents: MongoReadStore | IndexedReadStore = mongo
        if settings.search_engine == "fts5":
            documents = await opened.enter_async_context(
                open_indexed_store(mongo, settings.search_index_file)
            )
        models = read_models(settings.days)
        generations = {model.name: await record_at_start(model, documents, mongo.records) for model in models}
        served = [model.of(generations[model.name].serving) for model in models]
        own_documents = OwnDocuments(documents, served)
        progress = {model.name: Progress(model.name, head) for model in models}
        statuses = CommandStatuses(log, progress)
        relay = Relay(log, bus, head, history=history, published=statuses.published, set_back=compare)
        # With documents and an empty log, the log was lost: filling a new one would hide that.
        if fill and (await log.head() or not await mongo.has_any()):
            await fill(write_side)
        await forget_again(log, write_side.commands)
        start = await log.head()
        head.rise(start, datetime.now(UTC))
        newest = await log.read(after=max(0, start - REMEMBERED_AT_START), limit=REMEMBERED_AT_START)
        history.note(newest)
        running = await opened.enter_async_context(asyncio.TaskGroup())
        tasks = [
            running.create_task(relay.run(start, newest[-1] if newest else None), name="relay"),
            running.create_task(log.listen(_Commits(relay, statuses)), name="listener"),
        ]
        if log.sealed:
            tasks.append(running.create_task(log.sealed.follow(), name="personal data"))
        if settings.takes_tokens:
            tasks.append(running.create_task(revocations.follow(), name="revocations"))
        each_projector: dict[str, Any] = {"log": shared_log, "bus": bus, "store": documents, "lost": compare}
        each_projector["skips"] = log

        def beside(model: ReadModel) -> Projector:
            """Return a projector whose documents nobody reads."""
            own = Progress(model.name, head)
            return Projector(model, progress=own, batch=BESIDE_OTHERS, **each_projector)

        for model, served_model in zip(models, served, strict=True):
            serving = Projector(
                served_model,
                progress=progress[model.name],
                notices=notices,
                cache=cache,
                lists=concerned,
                **each_projector,
            )
            rebuilder = Rebuilder(
                serving,
                record=generations[model.name],
                beside=beside,
                records=mongo.records,
                store=documents,
                readers=own_documents,
                poll=None if mongod else OTHERS_SEEN_AFTER,
                moved=rebuilds.moved,
            )
            rebuilds.add(rebuilder)
            tasks.append(running.create_task(rebuilder.run(), name=f"generations of {model.name}"))
            succeeding = succeed(model, progress[model.name], documents, alone=mongod is not None)
            tasks.append(running.create_task(succeeding, name=f"older generations of {model.name}"))
        restarts = Restarts()
        if mongod:
            tasks.append(running.create_task(_keep_running(mongod, settings, restarts), name="mongod"))
        opened.callback(lambda: [task.cancel() for task in tasks])
        reader = SharedReader(own_documents)
        projections = Projections(shared_log, rebuilds.serving)
        yield Circle(
            commands=write_side.commands,
            log=log,
            archive=log,
            relay=relay,
            days=settings.days,
            documents=reader,
            cache=cache,
            progress=progress,
            projections=projections,
            skipping=Skipping(log, projections),
            rebuilds=rebuilds,
            live=Live(own_documents, notices, progress, heartbeat=settings.heartbeat),
            lists=LiveLists(reader, progress, concerned, patience=settings.read_patience),
            effects=EventEffects(notices, models),
            statuses=statuses,
            tokens=Tokens(await log.token_key(), history),
            revocations=revocations,
            read_patience=settings.read_patience,
            stores=(write_side.store, _named(mongod)),
            probes={"write store": log.probe, "read store": mongo.probe},
            restarts=restarts,
        )


@dataclass(frozen=True)
class _Commits:
    """A listener that passes PostgreSQL's notifications of commits on to relay and command statuses."""

    relay: Relay
    statuses: CommandStatuses

    def committed(self, command_id: UUID | None) -> None:
        if command_id is None:
            self.relay.wake()
        else:
            self.statuses.accepted(command_id)

    def missed(self) -> None:
        self.relay.wake()
        self.statuses.missed()


def _named(mongod: Mongod | None) -> str:
    return f"an embedded mongod, process {mongod.process.pid}" if mongod else "the MongoDB of MONGODB_URL"


async def _keep_running(mongod: Mongod, settings: Settings, restarts: Restarts) -> None:
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


def _make_folder(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        TemporaryFile(dir=data_dir).close()  # Only this shows that files can be created in it.
    except OSError as error:
        raise WriteStoreUnavailable(
            f"Can't use the data folder {data_dir}: {error.strerror}.\n"
            "Fix that, or choose another folder with --data-dir."
        ) from error
