"""Decisions of operators, each of which is recorded in the log as an event, once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from app.cqrs.commands.write_store import Cause
from app.cqrs.messages import Event
from app.stores.sql.transactions import SqlWork, events

FINGERPRINT = "decision of an operator"
"""It stands where commands have the fingerprint of their input."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A decision, with an id that is derived from what is decided, so that it is the same the next time."""

    id: UUID
    stream: str
    event: Event

    def cause(self, by: str) -> Cause:
        """Return its cause, by which the log knows who has decided it."""
        return Cause(command_id=self.id, correlation_id=self.id, actor=by, at=datetime.now(UTC))

    async def record(self, work: SqlWork) -> None:
        """Record and commit the decision; do nothing if it was recorded before."""
        await work.take_positions()  # Another process that decides the same waits here.
        earlier = await work.rows.execute(select(events.c.position).where(events.c.stream == self.stream))
        if earlier.first() is None:
            work.record(self.stream, 0, [self.event])
            await work.commit(FINGERPRINT)
