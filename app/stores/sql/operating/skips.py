"""Decisions of operators to skip events: events in the log, which an index finds."""

from collections.abc import Sequence
from uuid import uuid5

from sqlalchemy import literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.cqrs.projecting.skipping import EventSkipped, Skip
from app.stores.sql.codec import EventCodec
from app.stores.sql.operating.decisions import Decision
from app.stores.sql.transactions import events

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


def skipping(event: EventSkipped) -> Decision:
    """Return the decision to skip an event."""
    id = uuid5(event.event_id, event.read_model)
    return Decision(id=id, stream=f"skip-{id}", event=event)
