"""The write store as it is found when all is over, read with the project's own code."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.cqrs.commands.outcomes import Receipt
from app.cqrs.freshness.tokens import Tokens
from app.cqrs.log.events import RecordedEvent
from app.cqrs.log.history import History
from app.cqrs.messages import Event
from app.cqrs.operating.folding import states_in_rows
from app.declared import AGGREGATES, EVENTS
from app.stores.sql.engines.opening import open_database
from app.stores.sql.transactions import commands
from app.stores.sql.write_store import SqlWriteStore
from tests.domain.shop import cause
from tests.keys import keys_of


@dataclass(frozen=True, kw_only=True)
class Books:
    tokens: Tokens
    head: int
    marks: Sequence[tuple[UUID, Receipt]]
    """Each command that took effect, and the receipt that is kept of it."""
    log: Sequence[RecordedEvent]
    rows: dict[str, Any]
    """The state of each aggregate as its rows have it, by its stream."""

    @property
    def streams(self) -> dict[str, list[RecordedEvent]]:
        """The log, stream by stream."""
        found: defaultdict[str, list[RecordedEvent]] = defaultdict(list)
        for event in self.log:
            found[event.stream].append(event)
        return found

    @property
    def erased(self) -> frozenset[int]:
        """The positions of events without the personal data that they had.

        Their replay changes less than they did: a name that was changed is no name before and after.
        """
        return frozenset(each.position for each in self.log if _is_erased(each.event))


def _is_erased(event: Event) -> bool:
    personal = event.personal_fields if event.person_field else None
    return bool(personal) and all(getattr(event, name) is None for name in personal or ())


async def open_books(url: str, keys_url: str | None = None) -> Books:
    """Reads everything in the write store at this URL."""
    async with open_database(url) as engines, keys_of(url, keys_url) as keys:
        store = SqlWriteStore(engines, EVENTS, keys=keys)
        async with engines.reading.connect() as connection:
            kept = (await connection.execute(select(commands.c.command_id, commands.c.receipt))).all()
        async with store.begin(cause()) as work:
            rows = await states_in_rows(work, AGGREGATES)
        return Books(
            tokens=Tokens(await store.token_key(), History(store)),
            head=await store.head(),
            marks=[(id, msgspec.json.decode(text, type=Receipt)) for id, text in kept],
            log=await store.read(after=0, limit=10_000_000),
            rows=rows,
        )
