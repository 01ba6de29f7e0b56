"""Decisions of operators to skip events: events in the log, which an index finds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid5

from sqlalchemy import literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.cqrs.commands.write_store import Cause
from app.cqrs.projecting.skipping import EventSkipped, Skip
from app.stores.sql.codec import EventCodec
from app.stores.sql.transactions import SqlWork, events

FINGERPRINT = "decision of an operator"
"""It stands where commands have the fingerprint of their input."""

# With a parameter in place of the constant, the databases would not use the index.
DECISIONS = (
    select(events)
    .where(events.c.type == literal_column(f"'{EventSkipped.__name__}'"))
    .order_by(events.c.position)
)


async def decisions(connection: AsyncConnection, codec: EventCodec) -> Sequence[Skip]:
    """Return all decisions that this program can read, in their order."""
    found = await codec.recorded((await connection.execute(DECISIONS)).all())
    return [
        Skip(event=each.event, by=each.actor, at=each.occurred_at)
        for each in found
        if isinstance(each.event, EventSkipped)
    ]


def cause_of(event: EventSkipped, by: str) -> Cause:
    """Return the cause of a decision, whose id is derived from what is decided."""
    id = _id_of(event)
    return Cause(command_id=id, correlation_id=id, actor=by, at=datetime.now(UTC))


async def decide(work: SqlWork, event: EventSkipped) -> None:
    """Record and commit a decision; do nothing if it was recorded before."""
    await work.take_positions()  # Another process that decides the same waits here.
    stream = f"skip-{_id_of(event)}"
    earlier = await work.rows.execute(select(events.c.position).where(events.c.stream == stream))
    if earlier.first() is None:
        work.record(stream, 0, [event])
        await work.commit(FINGERPRINT)


def _id_of(event: EventSkipped) -> UUID:
    return uuid5(event.event_id, event.read_model)
