"""The composition root: it opens the stores and the halves of the circle, and connects them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from app.config import Settings
from app.cqrs.announcing.hearing import Hearer
from app.cqrs.announcing.recent_events import RecentEvents
from app.cqrs.announcing.telling import Teller
from app.cqrs.circle import Circle, Restarts
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.documents.own_documents import OwnDocuments
from app.cqrs.freshness.command_status import CommandStatuses
from app.cqrs.freshness.progress import Progress
from app.cqrs.freshness.tokens import Tokens
from app.cqrs.lists.effects import EventEffects
from app.cqrs.lists.following import LiveLists
from app.cqrs.live.following import Live
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.events import RecordedEvent
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
from app.declared import read_models
from app.forgetting import forget_again
from app.halves.commanding import WriteSide, open_write_side
from app.halves.documents import keep_running, open_documents
from app.halves.network import Network, open_network
from app.halves.projecting import LeasedProjecting, ProjectingHalf, note_rebuilds
from app.halves.querying import QueryingHalf
from app.roles import Role

REMEMBERED_AT_START = 1_000
"""Newest events whose positions are loaded at the start, because clients that reconnect send them in tokens
and cursors."""

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

        def compare() -> None:
            shared_log.forget()
            events.forget()
            rebuilds.doubt()
            if hearer:
                hearer.doubt()

        write_side = await opened.enter_async_context(
            open_write_side(settings, committed, lambda appended: relay.hand_over(appended))
        )
        log = write_side.log
        history, shared_log = History(log), SharedLog(log)
        stores = await opened.enter_async_context(open_documents(settings, compare))
        await log.refuse_if_read_only()
        revocations = Revocations(log)
        await revocations.read()
        models = read_models(settings.days)
        records = {
            model.name: await record_at_start(model, stores.documents, stores.mongo.records)
            for model in models
        }
        served = [model.of(records[model.name].serving) for model in models]
        readers = OwnDocuments(stores.documents, served)
        half = QueryingHalf(
            cache=ReadCache(settings.read_cache),
            progress={each.name: Progress(each.name, head) for each in models},
        )
        statuses = CommandStatuses(log, half.progress)
        relay = Relay(log, bus, head, history=history, published=published, set_back=compare, tracing=tracing)
        # With documents and an empty log, the log was lost: filling a new one would hide that.
        if fill and (await log.head() or not await stores.mongo.has_any()):
            await fill(write_side)
        if Role.COMMAND in settings.held_roles:
            await forget_again(log, write_side.commands)
        start = await log.head()
        head.rise(start, datetime.now(UTC))
        newest = await log.read(after=max(0, start - REMEMBERED_AT_START), limit=REMEMBERED_AT_START)
        history.note(newest)
        events.note(newest)
        if settings.nats_url:
            network = await opened.enter_async_context(open_network(settings, write_side, relay))
            shared_log = SharedLog(network.log)
        running = await opened.enter_async_context(asyncio.TaskGroup())
        tasks = [
            running.create_task(relay.run(start, newest[-1] if newest else None), name="relay"),
            running.create_task(log.listen(_Commits(relay, statuses, network)), name="listener"),
        ]
        if log.sealed and Role.COMMAND in settings.held_roles:
            kept = timedelta(days=settings.command_inputs_days)
            tasks.append(running.create_task(log.sealed.follow(kept), name="personal data"))
        if settings.takes_tokens:
            tasks.append(running.create_task(revocations.follow(), name="revocations"))
        each_projector: dict[str, Any] = {"log": shared_log, "bus": bus, "store": stores.documents}
        each_projector |= {"lost": compare, "skips": log}
        projecting = ProjectingHalf(stores, rebuilds, head, each_projector)
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
            hearer = half.hearer(models, served, network.announcements, stores.mongo, events, readers)
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
        restarts = Restarts()
        if stores.mongod:
            tasks.append(running.create_task(keep_running(stores.mongod, settings, restarts), name="mongod"))
        opened.callback(lambda: [task.cancel() for task in tasks])
        reader = SharedReader(NotingReader(readers, half.progress, half.cache) if network else readers)
        probes = {"write store": log.probe, "read store": stores.mongo.probe}
        if Role.COMMAND not in settings.held_roles:
            del probes["write store"]
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
            tokens=Tokens(await log.token_key(), history),
            revocations=revocations,
            read_patience=settings.read_patience,
            stores=(write_side.store, stores.name),
            probes=probes,
            leases=(lambda: len(leased.leases.held) if leased else 0) if network else None,
            restarts=restarts,
        )


@dataclass(frozen=True)
class _Commits:
    """A listener that passes PostgreSQL's notifications of commits on to relay and command statuses."""

    relay: Relay
    statuses: CommandStatuses
    network: Network | None

    def committed(self, command_id: UUID | None) -> None:
        if command_id is not None:
            self.statuses.accepted(command_id)
        elif not (self.network and self.network.connected):  # Otherwise the events themselves arrive.
            self.relay.wake()

    def missed(self) -> None:
        self.relay.wake()
        self.statuses.missed()
