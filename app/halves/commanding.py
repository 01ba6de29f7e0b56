"""The half of the circle that carries out commands."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from app.config import Settings
from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.carrying_out import Committed
from app.cqrs.log.events import Appended
from app.cqrs.unavailable import WriteStoreUnavailable
from app.declared import CUSTOMERS_OF, EVENTS, HANDLERS, RULES
from app.forgetting import begin_with_keys, opened_keys, prepare_keys
from app.stores.sql.engines.opening import migrate_database, open_database
from app.stores.sql.write_store import SqlWriteStore


@dataclass(frozen=True, kw_only=True)
class WriteSide:
    """The part of the service that accepts commands, without projections and queries."""

    commands: CommandBus
    log: SqlWriteStore
    store: str
    """The name of the write store for messages."""
    tells: Callable[[Callable[[Appended], None]], None]
    """Registers a function to be called with the events of each commit of this process."""
    begin: Callable[[], Awaitable[None]]
    """Makes the stores ready if they were opened while they may be away; raises `WriteStoreUnavailable`."""


@asynccontextmanager
async def open_write_side(
    settings: Settings,
    committed: Committed = lambda _receipt, _actor: None,
    appended: Callable[[Appended], None] = lambda _appended: None,
    *,
    may_be_away: bool = False,
) -> AsyncIterator[WriteSide]:
    """Yield the write side alone; a service on the same store sees its events within a second.

    Call `committed` with the receipt and the actor of each command, and `appended` with the events of each
    commit. Raise `WriteStoreUnavailable`. If the stores `may_be_away`, they are not asked for anything yet,
    and are to be made ready by `begin`.
    """
    make_folder(settings.data_dir)
    there = not may_be_away
    async with (
        open_database(settings.write_store, migrates=there) as engines,
        opened_keys(settings, reads=there) as keys,
    ):
        told = [appended]

        def tell(appended: Appended) -> None:
            for each in told:
                each(appended)

        log = SqlWriteStore(engines, EVENTS, tell, keys)
        commands = CommandBus(
            log, HANDLERS, RULES, customers_of=CUSTOMERS_OF, committed=committed, keyed=keys.keyed
        )

        async def begin() -> None:
            await migrate_database(settings.write_store)
            await begin_with_keys(keys, log)

        if there:
            await prepare_keys(log)
        yield WriteSide(commands=commands, log=log, store=engines.name, tells=told.append, begin=begin)


def make_folder(data_dir: Path) -> None:
    """Make the data folder if it is missing; raise `WriteStoreUnavailable` if it can't be used."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        TemporaryFile(dir=data_dir).close()  # Only this shows that files can be created in it.
    except OSError as error:
        raise WriteStoreUnavailable(
            f"Can't use the data folder {data_dir}: {error.strerror}.\n"
            "Fix that, or choose another folder with --data-dir."
        ) from error
