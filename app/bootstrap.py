"""The composition root: it opens the stores and the halves of the circle, and connects them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

from app.config import Settings
from app.cqrs.announcing.hearing import Hearer
from app.cqrs.announcing.recent_events import RecentEvents
from app.cqrs.announcing.telling import Teller
from app.cqrs.circle import READ_NODE, Circle, Restarts
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.documents.own_documents import OwnDocuments
from app.cqrs.freshness.command_status import CommandStatuses
from app.cqrs.freshness.progress import Progress
from app.cqrs.freshness.tokens import Tokens
from app.cqrs.lists.effects import EventEffects
from app.cqrs.lists.following import LiveLists
from app.cqrs.live.following import Live
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.events import Appended, EventLog, RecordedEvent
from app.cqrs.log.head import Head
from app.cqrs.log.history import History
from app.cqrs.log.relay import Relay
from app.cqrs.log.shared_log import SharedLog
from app.cqrs.measured.tracing import Tracing
from app.cqrs.operating.operations import Elsewhere
from app.cqrs.operating.read_models import OperatedReadModels
from app.cqrs.projecting.operating import Skipping
from app.cqrs.projecting.projections import Projections
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.noting import NotingReader
from app.cqrs.reading.shared_reader import SharedReader
from app.cqrs.rebuilding.rebuilds import Rebuilds
from app.cqrs.rebuilding.starting import record_at_start
from app.cqrs.revocations import Revocations
from app.cqrs.unavailable import WriteStoreUnavailable
from app.declared import read_models
from app.forgetting import forget_again
from app.halves.awaiting import keep_copy, open_awaited
from app.halves.building_apart import BuildingApart
from app.halves.commanding import WriteSide
from app.halves.documents import keep_running, open_documents
from app.halves.network import Network, open_network
from app.halves.projecting import LeasedProjecting, ProjectingHalf, note_rebuilds
from app.halves.querying import QueryingHalf
from app.halves.unprojected import Unprojected
from app.roles import Role

REMEMBERED_AT_START = 1_000
"""Newest events whose positions are loaded at the start, because clients that reconnect send them in tokens
and cursors."""

EVENTS_LATE = 0.03
"""Seconds within which events arrive by NATS, before or after PostgreSQL notifies of their commit."""

Filling = Callable[[WriteSide], Awaitable[None]]


@asynccontextmanager
async def open_circle(
    settings: Settings, fill: Filling | None = None, tracing: Tracing | None = None
) -> AsyncIterator[Circle]:
    """Open the stores, let `fill` send commands, and run the halves of the circle until the block ends.

    Raise `MongodError`, `WriteStoreUnavailable` and `ReadStoreUnavailable`.
    """
    async with AsyncExitStack() as opened:
        head, bus, events = Head(), AsyncioEventBus(), RecentEvents()
        rebuilds = Rebuilds(lambda: shared_log.forget())
        network: Network | None = None
        hearer: Hearer | None = None
        leased: LeasedProjecting | None = None

        def committed(receipt: Receipt, actor: str) -> None:
            if receipt.position:
                history.note(receipt.events)
                head.rise(receipt.position, datetime.now(UTC))
            statuses.committed(receipt, actor)

        def published(batch: Sequence[RecordedEvent]) -> None:
            events.note(batch)
            statuses.published(batch)

        def primary_lost() -> None:
            shared_log.forget()
            rebuilds.doubt()

        def node_left() -> None:
            if hearer:
                hearer.doubt()

        def compare() -> None:
            events.forget()
            primary_lost()
            node_left()

        def hand_over(appended: Appended) -> None:
            relay.hand_over(appended)

        write_side, awaited = await open_awaited(opened, settings, committed, hand_over)
        log = write_side.log
        history, shared_log = History(log), SharedLog(log)
        stores = await opened.enter_async_context(open_documents(settings, primary_lost, node_left))
        if not awaited.is_away:
            await log.refuse_if_read_only()
        revocations = Revocations(log)
        known = await awaited.known(stores.mongo.known_logs, revocations)
        models = read_models(settings.days)
        records = {
            model.name: await record_at_start(model, stores.documents, stores.mongo.records)
            for model in models
        }
        served = [model.of(records[model.name].serving) for model in models]
        readers = OwnDocuments(stores.read, served)
        half = QueryingHalf(
            cache=ReadCache(settings.read_cache),
            progress={each.name: Progress(each.name, head) for each in models},
        )
        unprojected = Unprojected(models, half.progress, stores.mongo.leases)
        statuses = CommandStatuses(log, half.progress)
        relay = Relay(log, bus, head, history=history, published=published, set_back=compare, tracing=tracing)
        # With documents and an empty log, the log was lost: filling a new one would hide that.
        if fill and not awaited.is_away and (await log.head() or not await stores.mongo.has_any()):
            await fill(write_side)
        if Role.COMMAND in settings.held_roles:
            await forget_again(log, write_side.commands)
        begin = partial(_begin, log, head, history, events)
        beginning = asyncio.create_task(awaited.answered(known, begin), name="log")
        opened.callback(beginning.cancel)
        if not awaited.is_away:
            await beginning
        if settings.nats_url:
            network = await opened.enter_async_context(
                open_network(settings, write_side, known.store_id, relay)
            )
            shared_log = SharedLog(network.log)
            if awaited.is_away:
                with suppress(WriteStoreUnavailable):  # Checkpoints and announcements tell of positions, too.
                    head.rise(await network.log.head(), datetime.now(UTC))
        running = await opened.enter_async_context(asyncio.TaskGroup())
        tasks = [
            running.create_task(_relayed(relay, beginning), name="relay"),
            running.create_task(log.listen(_Commits(relay, statuses, network)), name="listener"),
        ]
        if network:
            keeping = keep_copy(stores.mongo.known_logs, known, revocations, awaited)
            tasks.append(running.create_task(keeping, name="copy of the log's key"))
        if log.sealed and Role.COMMAND in settings.held_roles:
            kept = timedelta(days=settings.command_inputs_days)
            tasks.append(running.create_task(log.sealed.follow(kept), name="personal data"))
        if settings.takes_tokens:
            tasks.append(running.create_task(revocations.follow(), name="revocations"))
        each_projector: dict[str, Any] = {"log": shared_log, "bus": bus, "store": stores.documents}
        each_projector |= {"lost": compare, "skips": log}
        apart = BuildingApart(settings, stores.url, stores.mongo, head)
        projecting = ProjectingHalf(stores, rebuilds, head, each_projector, apart.build)
        projections = Projections(shared_log, rebuilds.serving)
        skipping = Skipping(log, projections)
        operating = OperatedReadModels(
            projections,
            skipping,
            rebuilds,
            half.progress.__getitem__,
            Elsewhere(network) if network else None,
        )
        if network is None:
            for model in models:
                tasks += projecting.begin(
                    model,
                    records[model.name],
                    readers,
                    half.progress[model.name],
                    running,
                    notices=half.notices,
                    cache=half.cache,
                    lists=half.lists,
                    tracing=tracing,
                )
        else:
            assert stores.pinned
            node = stores.pinned.node
            hearer = half.hearer(models, served, network.announcements, node, events, readers)
            opened.enter_context(network.present(settings.held_roles, stores.pinned.reads_from))
            tasks.append(running.create_task(hearer.run(), name="hearer"))
            await hearer.begun()
            if Role.PROJECTOR in settings.held_roles:
                leased = LeasedProjecting(
                    projecting,
                    stores,
                    models,
                    rebuilds,
                    head,
                    Teller(network.announcements),
                    network.name,
                    tracing,
                )
                run = leased.run(partial(network.answering, read_models=operating))
                tasks.append(running.create_task(run, name="leases"))
            noting = note_rebuilds(rebuilds, models, stores.mongo.records)
            tasks.append(running.create_task(noting, name="rebuilds of others"))
            tasks.append(running.create_task(unprojected.run(), name="documents of nobody"))
        restarts = Restarts()
        if stores.mongod:
            tasks.append(running.create_task(keep_running(stores.mongod, settings, restarts), name="mongod"))
        opened.callback(lambda: [task.cancel() for task in tasks])
        reader = SharedReader(
            NotingReader(readers, half.progress, half.cache, hearer.stored) if hearer else readers
        )
        probes = {"write store": log.probe, "read store": stores.mongo.probe}
        if Role.COMMAND not in settings.held_roles:
            del probes["write store"]
        if settings.held_roles == {Role.QUERY} and stores.pinned:  # It is of use while nobody takes writes.
            probes = {READ_NODE: stores.pinned.node.probe, "write store": awaited.probe}
        yield Circle(
            commands=network.commands if network else write_side.commands,
            log=log,
            archive=log,
            relay=relay,
            days=settings.days,
            documents=reader,
            cache=half.cache,
            progress=half.progress,
            projections=projections,
            skipping=skipping,
            rebuilds=rebuilds,
            operating=operating,
            live=Live(readers, half.notices, half.progress, heartbeat=settings.heartbeat),
            lists=LiveLists(reader, half.progress, half.lists, patience=settings.read_patience),
            effects=EventEffects(half.notices, models),
            statuses=statuses,
            tokens=Tokens(known.token_key, history),
            revocations=revocations,
            read_patience=settings.read_patience,
            stores=(write_side.store, stores.name),
            probes=probes,
            leases=(lambda: len(leased.leases.held) if leased else 0) if network else None,
            reads_from=stores.pinned.reads_from if stores.pinned else None,
            waits_for=awaited.waits_for,
            unprojected=unprojected.named,
            restarts=restarts,
        )


async def _relayed(relay: Relay, beginning: Awaitable[tuple[int, RecordedEvent | None]]) -> None:
    """Follow the log from its beginning in this process, once there is one."""
    position, last = await beginning
    await relay.run(position, last)


async def _begin(
    log: EventLog, head: Head, history: History, events: RecentEvents
) -> tuple[int, RecordedEvent | None]:
    """Learn the newest events of the log; return its head, and the event there."""
    start = await log.head()
    head.rise(start, datetime.now(UTC))
    newest = await log.read(after=max(0, start - REMEMBERED_AT_START), limit=REMEMBERED_AT_START)
    history.note(newest)
    events.note(newest)
    return start, newest[-1] if newest else None


class _Commits:
    """A listener that passes PostgreSQL's notifications of commits on to relay and command statuses.

    With NATS, the events themselves arrive, and the log need not be read. They do not while JetStream is
    away, which may be so although NATS is there.
    """

    def __init__(self, relay: Relay, statuses: CommandStatuses, network: Network | None) -> None:
        self._relay, self._statuses, self._network = relay, statuses, network
        self._looking: asyncio.TimerHandle | None = None

    def committed(self, command_id: UUID | None) -> None:
        if command_id is not None:
            self._statuses.accepted(command_id)
        elif not (self._network and self._network.connected):
            self._relay.wake()
        elif self._looking is None:
            since = monotonic() - EVENTS_LATE
            self._looking = asyncio.get_running_loop().call_later(EVENTS_LATE, self._look, since)

    def missed(self) -> None:
        self._relay.wake()
        self._statuses.missed()

    def _look(self, since: float) -> None:
        self._looking = None
        if not self._relay.was_handed_over_since(since):
            self._relay.wake()
