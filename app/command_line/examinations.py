"""The examinations of a service and its stores; none of them changes anything."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from app.access.configured import public_key_in
from app.access.keys import BadKey
from app.access.urls import is_loopback
from app.command_line.diagnoses import Diagnosis, ok, problem, warning
from app.command_line.nats import nats_diagnoses
from app.completeness import problems
from app.config import Settings
from app.cqrs.log.events import EventLog
from app.cqrs.rebuilding.records import UNDER_WAY, RebuildState
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable
from app.declared import EVENTS, read_models
from app.forgetting import examine_keys
from app.graphql.admission.persisted import BadManifest, read_manifest
from app.server.listening import CannotListen, refuse_to_be_open
from app.server.tls import BadCertificate, check_certificate
from app.stores.mongo.embedded.mongod import any_mongod
from app.stores.mongo.embedded.mongod_binary import MongodError, find_mongod
from app.stores.mongo.examining import ReadModelState, ReadStoreState
from app.stores.mongo.examining import examine as examine_read_store
from app.stores.sql.engines.opening import Engines, open_database, refuse_if_read_only
from app.stores.sql.engines.opening import examine as examine_write_store
from app.stores.sql.write_store import SqlWriteStore
from app.tracing.configured import EXTRA, collector_problem

LITTLE_SPACE, TOO_LITTLE_SPACE = 1_000_000_000, 100_000_000
"""Free bytes of a disk below which a warning is due, and below which a store may stop."""

LONGEST_WAIT = 60.0
"""Seconds that an event may wait for a read model before a warning is due."""

STANDS_STILL = 60.0
"""Seconds without progress after which a rebuild is said to stand still; progress is noted every five."""

COLLECTOR_PATIENCE = 3.0
"""Seconds within which a collector of traces must answer."""

CLOCKS_APART = 2.0
"""Seconds by which the clocks of two machines may differ: moments are accepted up to 5 seconds ahead."""


async def examined(settings: Settings) -> AsyncIterator[Diagnosis]:
    """Yield a diagnosis of each part of a service with these settings."""
    for diagnosis in (*_program(), *_settings(settings), *_disk(settings)):
        yield diagnosis
    if settings.traces_to:
        yield await _collector(settings)
    async with AsyncExitStack() as opened:
        log = None
        log_is_gone = not settings.database_url and not settings.write_store_file.exists()
        if log_is_gone:
            yield ok("write store", f"{settings.write_store_file} does not exist yet. `serve` creates it.")
        else:
            try:
                engines = await opened.enter_async_context(
                    open_database(settings.write_store, migrates=False)
                )
                missing, now = await examine_write_store(engines)
                if not missing:  # The probe needs the tables.
                    await refuse_if_read_only(engines)
            except WriteStoreUnavailable as error:
                yield problem("write store", error)
            else:
                log = None if missing else SqlWriteStore(engines, EVENTS)
                yield _write_store(engines.name, missing, await log.head() if log else 0)
                yield _clock("write store's clock", now)
                if log:
                    yield await _keys(settings, engines)
        if settings.nats_url:
            store = await log.store_id() if log else None
            for diagnosis in await nats_diagnoses(settings.nats_url, settings.mongodb_database, store):
                yield diagnosis
        try:
            state = await _read_store(settings, opened)
        except (MongodError, ReadStoreUnavailable) as error:
            yield problem("read store", error)
            return
        if state is None:
            yield ok(
                "read store", "There are no documents yet. `serve` starts a MongoDB of its own for them."
            )
            return
        yield ok("read store", f"MongoDB {state.version} takes transactions.")
        yield _clock("read store's clock", state.now)
        for name, model in state.models.items():
            for diagnosis in [
                *_indexes(name, model),
                *_rebuild(name, model),
                await _position(name, model, log, log_is_gone=log_is_gone),
            ]:
                yield diagnosis


async def _keys(settings: Settings, engines: Engines) -> Diagnosis:
    """Examine the store of the keys of personal data, without creating one."""
    try:
        state = await examine_keys(settings, engines)
    except WriteStoreUnavailable as error:
        return problem("keys", error)
    if state.left:
        return warning("keys", f"Up to {state.left:,} events are not sealed yet.", "Run `seal`.")
    if not state.exists:
        return ok("keys", f"{state.name} does not exist yet. `serve` creates it.")
    return ok("keys", f"{state.name} has the keys of personal data.")


def _program() -> Iterator[Diagnosis]:
    found = problems()
    yield from (problem("program", each) for each in found)
    if not found:
        yield ok("program", "Every context, read model and part of the schema is connected.")


def _settings(settings: Settings) -> Iterator[Diagnosis]:
    unsafe = []
    if settings.is_open_on_purpose and not is_loopback(settings.host):
        advice = (
            "Set AUTH_ISSUER or another source of tokens, unless a proxy in front decides who may do what."
        )
        unsafe.append(
            warning("settings", f"Everyone who can reach {settings.host} can change everything.", advice)
        )
    if settings.mongodb_url and settings.read_cache and not settings.is_one_of_several:
        found = (
            "READ_CACHE_MB is set with MONGODB_URL. Answers may be old if another process changes documents."
        )
        unsafe.append(warning("settings", found, "Leave it unset unless this is the only process."))
    unsafe += _refused(settings)
    yield from unsafe or [ok("settings", "They are valid, and no combination is unsafe.")]


def _refused(settings: Settings) -> Iterator[Diagnosis]:
    """Yield each reason for which `serve` would refuse the settings, or a file that they name."""
    checks: list[Callable[[], object]] = [partial(refuse_to_be_open, settings, settings.host)]
    if settings.ssl_certfile:
        checks.append(partial(check_certificate, settings.ssl_certfile, settings.ssl_keyfile))
    if settings.auth_public_key:
        checks.append(partial(public_key_in, settings.auth_public_key))
    if settings.documents_manifest:
        checks.append(partial(read_manifest, settings.documents_manifest))
    for check in checks:
        try:
            check()
        except (BadCertificate, BadKey, BadManifest, CannotListen) as error:
            yield problem("settings", error)


async def _collector(settings: Settings) -> Diagnosis:
    found = await collector_problem(settings, COLLECTOR_PATIENCE)
    if found is None:
        return ok("traces", "The collector takes them.")
    if found == EXTRA:
        return problem("traces", found)
    advice = "Start it, or correct OTEL_EXPORTER_OTLP_ENDPOINT. The service works without it."
    return warning("traces", found, advice)


def _disk(settings: Settings) -> Iterator[Diagnosis]:
    if settings.database_url and settings.mongodb_url:
        return
    folder = settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:,.1f} GB are free in {settings.data_dir}."
    advice = "Free some space: commands are refused once the disk is full."
    if free < TOO_LITTLE_SPACE:
        yield problem("disk", found, advice)
    else:
        yield warning("disk", found, advice) if free < LITTLE_SPACE else ok("disk", found)


def _write_store(name: str, missing: Sequence[str], head: int) -> Diagnosis:
    if missing:
        found = f"{name} lacks {len(missing)} of this version's migrations, up to {missing[-1]}."
        return warning("write store", found, "Back it up. `serve` runs them when it starts.")
    return ok("write store", f"{name} takes writes, and its log has {head:,} events.")


def _clock(subject: str, now: datetime) -> Diagnosis:
    apart = (now - datetime.now(UTC)).total_seconds()
    # SQLite's clock has whole seconds.
    if abs(apart) <= CLOCKS_APART:
        return ok(subject, "It agrees with the clock of this machine.")
    found = f"It is {abs(apart):,.0f} seconds {'ahead of' if apart > 0 else 'behind'} this machine's clock."
    return warning(subject, found, "Have both machines set their clocks by NTP.")


async def _read_store(settings: Settings, opened: AsyncExitStack) -> ReadStoreState | None:
    url = settings.mongodb_url
    if url is None:
        if not await asyncio.to_thread(Path(settings.data_dir, "mongo").exists):
            await asyncio.to_thread(find_mongod, settings.mongod_bin)
            return None
        url = await opened.enter_async_context(any_mongod(settings.data_dir, settings.mongod_bin))
    return await asyncio.to_thread(
        examine_read_store, url, settings.mongodb_database, read_models(settings.days)
    )


def _indexes(name: str, model: ReadModelState) -> Iterator[Diagnosis]:
    if model.missing:
        found = f"It lacks the indexes {'; '.join(model.missing)}."
        yield warning(name, found, "Restart the service, which creates them.")
    if model.surplus:
        found = f"It has indexes that no query uses: {'; '.join(model.surplus)}."
        yield warning(name, found, "Drop them, because each makes every write slower.")


def _rebuild(name: str, model: ReadModelState) -> Iterator[Diagnosis]:
    rebuild = model.rebuild
    if rebuild is None or rebuild.state not in UNDER_WAY:
        return
    still = (datetime.now(UTC) - rebuild.noted_at).total_seconds()
    at = f"at position {rebuild.position:,}"
    if rebuild.state in (RebuildState.FAILED, RebuildState.DIFFERENT):
        found = f"Its rebuild is {rebuild.state.value} {at}: {rebuild.reason}."
        advice = "Call `projections rebuild` again once that is right, or `projections abort`."
        yield warning(name, found, advice)
    elif still > STANDS_STILL:
        found = f"Its rebuild stands still {at} since {rebuild.noted_at:%Y-%m-%d %H:%M:%S} UTC."
        yield warning(name, found, "Start the service, which continues it; if it runs, its log says why.")
    else:
        yield ok(name, f"It is rebuilt, and the new documents are {at}.")


async def _position(
    name: str, model: ReadModelState, log: EventLog | None, *, log_is_gone: bool
) -> Diagnosis:
    if model.position is None:
        return ok(name, "This version's documents do not exist yet. `serve` builds them from the log.")
    advice = "Restore the log that belongs to them, or drop the documents, so that `serve` builds them anew."
    if log_is_gone and model.position:
        found = f"Its documents are at position {model.position:,}, but there is no log."
        return problem(name, found, advice)
    if log is None:
        return ok(name, f"Its documents show the log up to position {model.position:,}.")
    head = await log.head()
    if model.position > head:
        found = f"Its documents are at position {model.position:,}, but the log ends at {head:,}."
        return problem(name, found, advice)
    if model.position:
        [event] = await log.read(after=model.position - 1, limit=1)
        if event.event_id != UUID(str(model.event_id)):
            return problem(
                name, f"Its documents are not of this log: position {model.position:,} differs.", advice
            )
    behind = head - model.position
    if behind and (waited := await _waited(log, model.position)) > LONGEST_WAIT:
        found = (
            f"It is at position {model.position:,}, {behind:,} events behind the log, and the next event has "
            f"waited for {waited:,.0f} seconds."
        )
        return warning(name, found, "Start the service; if it runs, its log says why it does not go on.")
    return ok(name, f"It is at position {model.position:,}, {behind:,} events behind the log.")


async def _waited(log: EventLog, position: int) -> float:
    """Return for how many seconds the event after a position has been in the log."""
    found = await log.read(after=position, limit=1)
    return (datetime.now(UTC) - found[0].occurred_at).total_seconds() if found else 0.0
