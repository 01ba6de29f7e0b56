"""A process that answers queries and has begun without the write store, which it waits for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TypeVar

from app.config import Settings
from app.cqrs.commands.carrying_out import Committed
from app.cqrs.impersonal import outline
from app.cqrs.log.events import Appended
from app.cqrs.log.known_log import KnownLog, KnownLogs
from app.cqrs.revocations import POLL, Revocations
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable
from app.halves.commanding import WriteSide, open_write_side
from app.roles import Role
from app.stores.sql.failures import UnfitStore, is_away

PAUSE = 1.0
"""Seconds between two attempts to reach the write store."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Awaited:
    """The write store of a process, which may have begun before that answered.

    Such a process has a copy of what it must know, which another one has left in the document store.
    """

    def __init__(self, write_side: WriteSide, away: WriteStoreUnavailable | None = None) -> None:
        """Begin with a store that is there, or is `away` for this reason."""
        self._write_side = write_side
        self._away = away
        self._unfit: str | None = None

    @property
    def is_away(self) -> bool:
        """True until the store has answered."""
        return self._away is not None

    def waits_for(self) -> str | None:
        """Return why the store can't be used yet; `None` if it is."""
        return str(self._away) if self._away else None

    async def probe(self) -> None:
        """Raise `WriteStoreUnavailable` if the store answers, and is not one that this process can use."""
        if self._unfit:
            raise WriteStoreUnavailable(self._unfit)

    async def known(self, copies: KnownLogs, revocations: Revocations) -> KnownLog:
        """Return what must be known of the log, with the revocations, or the copy of it while it is away.

        Raise `WriteStoreUnavailable` if there is no copy.
        """
        if self._away is None:
            revocations.compare_by(self._write_side.log.revocation_key())
            await revocations.read()
            return await self._from_the_log(revocations)
        if (copy := await copies.known_log()) is None:
            raise WriteStoreUnavailable(
                f"{self._away}\nThis process answers queries, and could begin without it, but MongoDB has no "
                "copy of what it must know: the processes that were started before have left none."
            ) from self._away
        logger.warning(
            "The write store is away. Queries are answered without it, and it is waited for: error=%s",
            self._away,
        )
        revocations.compare_by(copy.revocation_key)
        revocations.begin(copy.revocations, copy.revoked)
        return copy

    async def answered(self, known: KnownLog, begin: Callable[[], Awaitable[T]]) -> T:
        """Wait until the store is there, and is the one that is `known`; return what `begin` returns."""
        if self._away is None:
            return await begin()
        while True:
            try:
                await self._write_side.begin()
                await self._refuse_another(known)
                begun = await begin()
            except Exception as reason:  # Queries go on. The reason may be any error of a driver.
                self._note(reason)
                await asyncio.sleep(PAUSE)
            else:
                self._away = self._unfit = None
                logger.info("The write store answers.")
                return begun

    async def _from_the_log(self, revocations: Revocations) -> KnownLog:
        log = self._write_side.log
        return KnownLog(
            store_id=await log.store_id(),
            token_key=await log.token_key(),
            revocations=revocations.newest,
            revocation_key=log.revocation_key(),
            revoked=revocations.digests(),
        )

    async def _refuse_another(self, known: KnownLog) -> None:
        log = self._write_side.log
        if (await log.store_id(), await log.token_key()) != (known.store_id, known.token_key):
            raise UnfitStore(
                f"The write store ({self._write_side.store}) is another one, or was restored, since this "
                "process has begun without it.\nStart the process again."
            )

    def _note(self, reason: Exception) -> None:
        said = str(reason) if isinstance(reason, WriteStoreUnavailable) else outline(reason)
        if said != self.waits_for():
            logger.warning("The write store can't be used yet: retry_seconds=%g error=%s", PAUSE, said)
        self._away = WriteStoreUnavailable(said)
        self._unfit = said if isinstance(reason, UnfitStore) else None


async def open_awaited(
    opened: AsyncExitStack, settings: Settings, committed: Committed, appended: Callable[[Appended], None]
) -> tuple[WriteSide, Awaited]:
    """Open the write side of a process; one that only answers queries goes on if it does not answer.

    `committed` and `appended` are called as by `open_write_side`. Raise `WriteStoreUnavailable`.
    """
    try:
        write_side = await opened.enter_async_context(open_write_side(settings, committed, appended))
    except WriteStoreUnavailable as away:
        if settings.held_roles != {Role.QUERY} or not is_away(away):
            raise
        later = open_write_side(settings, committed, appended, may_be_away=True)
        write_side = await opened.enter_async_context(later)
        return write_side, Awaited(write_side, away)
    return write_side, Awaited(write_side)


async def keep_copy(copies: KnownLogs, known: KnownLog, revocations: Revocations, awaited: Awaited) -> None:
    """Keep the copy up to date, for processes that begin while the write store is away, until cancelled."""
    kept = -1
    while True:
        # What this process knows from the copy itself may be of a store that was replaced meanwhile.
        if not awaited.is_away and (newest := revocations.newest) > kept:
            copy = replace(known, revocations=newest, revoked=revocations.digests())
            with suppress(ReadStoreUnavailable):  # It is repeated.
                await copies.keep(copy)
                kept = newest
        await asyncio.sleep(POLL)
