"""The audit trail: who did what, when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.cqrs.reading.pages import Listing
from app.graphql.execution.refusals import BadArgument
from app.read_models.activity import activity_matching, entries
from schema.circle.conditions import refuse_reversed
from schema.circle.consistency import streams_of, subject_of
from schema.circle.listings import listing_field
from schema.circle.nodes import Connection, Node
from schema.circle.parts import Part
from schema.circle.scalars import Position
from schema.circle.shown import shows

LONGEST_SHOWN = 100
"""Characters of a wrong stream that its error repeats."""


@shows(entries)
@strawberry.type(description="Something that happened.")
class Activity(Node):
    """One event, without what it says of persons."""

    type: str = strawberry.field(description="What happened, such as `OrderPlaced`.")
    summary: str = strawberry.field(description="The same in a few words.")
    at: datetime = strawberry.field(description="When.")
    actor: str = strawberry.field(description="Through whom.")
    stream: str = strawberry.field(description="Whose history it belongs to, such as `order-<uuid>`.")
    stream_version: int = strawberry.field(description="Its place in that history.")
    event_id: UUID = strawberry.field(description="The event's id.")
    command_id: UUID = strawberry.field(description="The command that it came from.")
    correlation_id: UUID = strawberry.field(description="What all that belongs together has in common.")
    causation_id: UUID = strawberry.field(description="What brought it about.")
    position: Position = strawberry.field(description="Its place in the event log.")

    @strawberry.field(description="The id of the node that it happened to.")
    def subject(document: strawberry.Parent[Any]) -> strawberry.ID:
        """From the stream."""
        return subject_of(document["stream"])


@strawberry.type(description="A page of the audit trail.")
class ActivityConnection(Connection[Activity]):
    """Newest first."""


@strawberry.input(description="Which activity; all conditions together.")
class ActivityFilter:
    """Every condition has an index."""

    subject: strawberry.ID | None = strawberry.field(
        default=None, description="What happened to this product (its stock included), customer or order."
    )
    stream: str | None = strawberry.field(default=None, description="One stream, such as `stock-<uuid>`.")
    command_id: UUID | None = strawberry.field(default=None, description="What came of this command.")
    actor: str | None = strawberry.field(default=None, description="What this actor did.")
    type: str | None = strawberry.field(default=None, description="Events of this type.")
    at_from: datetime | None = strawberry.field(default=None, description="At or after.")
    at_to: datetime | None = strawberry.field(default=None, description="Before.")

    def streams(self) -> Sequence[str] | None:
        """Return the streams that `subject` and `stream` leave; null for any. A product has two of them."""
        if self.subject is None:
            return None if self.stream is None else [self.stream]
        streams = streams_of(self.subject)
        if self.stream is None:
            return streams
        if self.stream not in streams:
            raise BadArgument(
                f'The stream "{self.stream[:LONGEST_SHOWN]}" is not of this subject, '
                f"whose events are in {' and '.join(streams)}. Leave out one of the two conditions."
            )
        return [self.stream]


@strawberry.type
class ActivityQuery:
    """Reads of the audit trail."""

    @listing_field(ActivityConnection, description="What happened, newest first.")
    def activity(
        self,
        filter: Annotated[ActivityFilter | None, strawberry.argument(description="Which; or all.")] = None,
    ) -> Listing:
        """Return what is listed, for one find."""
        asked = filter or ActivityFilter()
        refuse_reversed(("atFrom", "atTo"), asked.at_from, asked.at_to)
        return activity_matching(
            streams=asked.streams(),
            command_id=None if asked.command_id is None else str(asked.command_id),
            actor=asked.actor,
            event_type=asked.type,
            at_from=asked.at_from,
            at_to=asked.at_to,
        )


PART = Part(query=ActivityQuery)
