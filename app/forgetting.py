"""The keys of personal data, and the people who are forgotten again after a restore."""

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid5

from app.config import Settings
from app.cqrs import contexts
from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.unavailable import WriteStoreUnavailable
from app.cqrs.viewers import Scope, Sight, Viewer
from app.domain.contexts import CONTEXTS
from app.stores.sql.engines.opening import Engines, open_database
from app.stores.sql.failures import UnfitStore
from app.stores.sql.keys.foreseeing import Foreseen, foreseen
from app.stores.sql.keys.layout import KeysCopy
from app.stores.sql.keys.person_keys import PersonKeys
from app.stores.sql.keys.store import beside, open_keys
from app.stores.sql.keys.upkeep import PUT_BACK, sealing_of
from app.stores.sql.write_store import SqlWriteStore

REPLAYING = Viewer(actor="restore", scope=Scope(Sight.OPERATOR))
"""The sender of commands that forget people again."""

_AGAIN = UUID("0b1f6a52-7c43-4b0a-9a39-3d1c4d0c8f15")
"""The namespace of these commands' ids."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def opened_keys(settings: Settings, *, reads: bool = True) -> AsyncIterator[PersonKeys]:
    """Open the store of keys of the settings; raise `WriteStoreUnavailable`.

    Unless it `reads` them, the keys are of no use before `begin_with_keys`.
    """
    async with open_keys(settings.keys_url or beside(settings.write_store), prepares=reads) as store:
        yield await PersonKeys.read(store) if reads else PersonKeys(store)


async def foreseen_keys(settings: Settings, copy: KeysCopy | None, people: Collection[UUID]) -> Foreseen:
    """Return the store of keys of the settings as it would be with a copy; raise `WriteStoreUnavailable`."""
    return await foreseen(settings.keys_url or beside(settings.write_store), copy, people)


async def refuse_keys_of_another_log(settings: Settings, copy: KeysCopy) -> None:
    """Raise `UnfitStore` if the store of keys would be another log's after it has taken in a copy."""
    async with open_database(settings.write_store) as engines:
        known, _ = await sealing_of(engines)
    if known not in (None, (await foreseen_keys(settings, copy, ())).id):
        raise UnfitStore(
            "These are not the keys of this log, and nothing was changed.\n"
            "Give --keys with a file that `backup --keys` has made beside this write store."
        )


async def begin_with_keys(keys: PersonKeys, log: SqlWriteStore) -> None:
    """Read keys that were opened without, and prepare them; raise `WriteStoreUnavailable`."""
    await keys.store.prepare()
    await keys.begin()
    try:
        await prepare_keys(log)
    except WriteStoreUnavailable:
        keys.end()
        raise


async def prepare_keys(log: SqlWriteStore) -> None:
    """Refuse the keys of another log, and destroy those that should be; raise `WriteStoreUnavailable`."""
    if log.sealed:
        await log.sealed.refuse_other_keys()
        await log.sealed.finish_forgetting()


async def forget_again(log: SqlWriteStore, commands: CommandBus) -> None:
    """Forget those whom a restored log still has, and who were forgotten; raise `WriteStoreUnavailable`."""
    for person in await log.sealed.unreplayed() if log.sealed else ():
        for forgetting in (each.forgetting for each in CONTEXTS if each.forgetting):
            id = uuid5(_AGAIN, str(person))
            outcome = await commands.execute(forgetting(person), viewer=REPLAYING, command_id=id)
            if isinstance(outcome, Receipt):  # Otherwise it is somebody whom this log never knew.
                logger.warning("Somebody was forgotten again who was in a restored log: person=%s", person)


async def adopt_keys(settings: Settings) -> None:
    """Have the write store go on with the keys of the settings; raise `WriteStoreUnavailable`."""
    async with open_database(settings.write_store) as engines, opened_keys(settings) as keys:
        log = SqlWriteStore(engines, contexts.event_types(CONTEXTS), keys=keys)
        if log.sealed:
            await log.sealed.refuse_other_keys(adopt=True)


class KeysState(NamedTuple):
    """The state of a store of keys, as an operator is told it."""

    name: str
    exists: bool
    left: int
    """The number of events up to which the log is still to be sealed."""


async def examine_keys(settings: Settings, engines: Engines) -> KeysState:
    """Return the state of the store of keys; raise `WriteStoreUnavailable` if it is another log's."""
    where = settings.keys_url or beside(settings.write_store)
    if isinstance(where, Path) and not where.exists():
        known, left = await sealing_of(engines)
        if known is None:
            return KeysState(str(where), exists=False, left=left)
        raise UnfitStore(f"The keys of personal data are not there: {where}.\n{PUT_BACK}")
    async with opened_keys(settings) as keys:
        known, left = await sealing_of(engines)
        if known not in (None, keys.secrets.store_id):
            raise UnfitStore(f"The keys of personal data are not in {keys.store.name}.\n{PUT_BACK}")
        return KeysState(keys.store.name, exists=True, left=left)
