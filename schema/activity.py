"""The audit trail as clients read it: one entry for each recorded event."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.cqrs.reading.pages import Listing
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Info
from app.graphql.execution.refusals import BadArgument
from app.graphql.execution.visibility import visible_to
from app.read_models.activity import activity_matching, entries
from schema.circle.conditions import MATCH_ALL, refuse_reversed
from schema.circle.consistency import streams_of, subject_of
from schema.circle.days import DayRange, moments_within
from schema.circle.listings import listing_field
from schema.circle.nodes import Connection, Node, linked_node
from schema.circle.parts import Part
from schema.circle.scalars import Position
from schema.circle.shown import shows

LONGEST_SHOWN = 100
"""The number of characters of a wrong stream that the error message repeats."""


@shows(entries)
@strawberry.type(description="An entry of the audit trail: a recorded event, without personal data.")
class Activity(Node):
    type: str = strawberry.field(description="The type of the event, such as `OrderPlaced`.")
    summary: str = strawberry.field(description="A short description of the event, without personal data.")
    at: datetime = strawberry.field(description="The time at which the event was recorded, in UTC.")
    actor: str = strawberry.field(description="The actor on whose behalf the command was sent.")
    stream: str = strawberry.field(
        description="The stream of the event, such as `order-<uuid>`: the history of one aggregate."
    )
    stream_version: int = strawberry.field(
        description="The number of the event in its stream, counted from 1."
    )
    event_id: UUID = strawberry.field(description="The id of the event.")
    command_id: UUID = strawberry.field(description="The id of the command that recorded the event.")
    correlation_id: UUID = strawberry.field(
        description="The id that all commands and events of one process share."
    )
    causation_id: UUID = strawberry.field(
        description="The id of the command or event that directly caused this event."
    )
    position: Position = strawberry.field(description="The position of the event in the log.")

    @strawberry.field(description="The global id of the node that the event concerns.")
    def subject(document: strawberry.Parent[Any]) -> strawberry.ID:
        return subject_of(document["stream"])

    @strawberry.field(
        description="The node that the event concerns, as it is now; null if there is none that you may see."
    )
    async def subject_node(document: strawberry.Parent[Any], info: Info) -> Node | None:
        return await linked_node(info, subject_of(document["stream"]))


@strawberry.type(description="A page of the audit trail, newest events first.")
class ActivityConnection(Connection[Activity]): ...


@strawberry.input(description=f"Conditions on entries of the audit trail. {MATCH_ALL}")
class ActivityFilter:
    subject: strawberry.ID | None = strawberry.field(
        default=None,
        description="The global id of the product, customer or order that the events concern. Events of a "
        "product's stock concern the product.",
    )
    stream: str | None = strawberry.field(
        default=None, description="The stream of the events, such as `stock-<uuid>`."
    )
    command_id: UUID | None = strawberry.field(
        default=None, description="The id of the command that recorded the events."
    )
    actor: str | None = strawberry.field(
        default=None, description="The actor on whose behalf the command was sent."
    )
    type: str | None = strawberry.field(
        default=None, description="The type of the events, such as `OrderPlaced`."
    )
    at_from: datetime | None = strawberry.field(
        default=None, description="The earliest time of recording, inclusive."
    )
    at_to: datetime | None = strawberry.field(
        default=None, description="The latest time of recording, exclusive."
    )
    on: DayRange | None = strawberry.field(
        default=None, description="The days of which the event must have been recorded on one."
    )

    def streams(self) -> Sequence[str] | None:
        """Return the streams that meet both `subject` and `stream`, or `None` for all streams.

        A product has two streams: its own, and that of its stock. Raises `BadArgument` where `stream` does
        not belong to `subject`.
        """
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
    @visible_to(Sight.STAFF)
    @listing_field(ActivityConnection, description="The audit trail: all recorded events, newest first.")
    def activity(
        self,
        info: Info,
        filter: Annotated[
            ActivityFilter | None,
            strawberry.argument(
                description="The conditions to filter by. By default all entries are returned."
            ),
        ] = None,
    ) -> Listing:
        asked = filter or ActivityFilter()
        refuse_reversed(("atFrom", "atTo"), asked.at_from, asked.at_to)
        earliest, end = moments_within(asked.on, info.context.days, earliest=asked.at_from, end=asked.at_to)
        return activity_matching(
            streams=asked.streams(),
            command_id=None if asked.command_id is None else str(asked.command_id),
            actor=asked.actor,
            event_type=asked.type,
            at_from=earliest,
            at_to=end,
        )


PART = Part(query=ActivityQuery)
