"""The event log as operators search it: events with their payload, without personal data."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from app.cqrs.log.browsing import SEARCHED, FoundEvents, WantedEvents
from app.cqrs.log.displaying import displayed, unreadable
from app.cqrs.log.events import RecordedEvent as Recorded
from app.cqrs.reading.cursors import NotACursor, decoded, encoded
from app.cqrs.reading.pages import BadPage, PageArguments
from app.cqrs.viewers import Sight
from app.graphql.admission.connections import DocumentConnection
from app.graphql.execution.context import Info
from app.graphql.execution.refusals import BadArgument
from app.graphql.execution.visibility import visible_to
from schema.circle.conditions import MATCH_ALL, refuse_reversed
from schema.circle.consistency import subject_of
from schema.circle.nodes import After, Before, First, Last, PageInfo, page
from schema.circle.scalars import Position

MOST_TYPES = 100
"""Types of events in one filter."""

_ORDER = ["-position"]
"""The order of the list, with which its cursors begin."""


@strawberry.type(description="A field of an event, as it is stored.")
class EventField:
    name: str = strawberry.field(description="The name of the field.")
    value: str | None = strawberry.field(
        description="The value as JSON; null if it is personal, and thus not shown."
    )
    is_personal: bool = strawberry.field(description="True if the value is personal, and thus not shown.")


@strawberry.type(description="An event in the log, with its envelope and its fields.")
class RecordedEvent:
    position: Position = strawberry.field(description="The position of the event in the log.")
    event_id: UUID = strawberry.field(description="The id of the event.")
    type: str = strawberry.field(description="The type of the event, such as `OrderPlaced`.")
    stream: str = strawberry.field(
        description="The stream of the event, such as `order-<uuid>`: the history of one aggregate."
    )
    stream_version: int = strawberry.field(
        description="The number of the event in its stream, counted from 1."
    )
    at: datetime = strawberry.field(description="The time at which the event was recorded, in UTC.")
    actor: str = strawberry.field(description="The actor on whose behalf the command was sent.")
    command_id: UUID = strawberry.field(description="The id of the command that recorded the event.")
    correlation_id: UUID = strawberry.field(
        description="The id that all commands and events of one process share."
    )
    causation_id: UUID = strawberry.field(
        description="The id of the command or event that directly caused this event."
    )
    fields: list[EventField] = strawberry.field(
        description="The fields of the event, in their order; empty if it can't be read."
    )
    problem: str | None = strawberry.field(
        description="The reason for which the event can't be read; null if it can be."
    )

    @strawberry.field(description="The global id of the node that the event concerns.")
    def subject(self) -> strawberry.ID:
        return subject_of(self.stream)

    @classmethod
    def of(cls, recorded: Recorded) -> "RecordedEvent":
        """Return the event in the form that operators see."""
        return cls(
            position=Position(recorded.position),
            event_id=recorded.event_id,
            type=recorded.type,
            stream=recorded.stream,
            stream_version=recorded.stream_version,
            at=recorded.occurred_at,
            actor=recorded.actor,
            command_id=recorded.command_id,
            correlation_id=recorded.correlation_id,
            causation_id=recorded.causation_id,
            fields=[
                EventField(name=field.name, value=field.value, is_personal=field.value is None)
                for field in displayed(recorded.event)
            ],
            problem=unreadable(recorded.event),
        )


@strawberry.type(description="An event of the log and its cursor.")
class RecordedEventEdge:
    cursor: str = strawberry.field(description="The cursor of the event, for `after`: opaque.")
    node: RecordedEvent = strawberry.field(description="The event at this cursor.")


@strawberry.type(
    description=f"A page of the log, newest events first. A search looks at {SEARCHED:,} events at most: "
    "with a filter, a page may have fewer events than were asked for, or none, and still not be the last."
)
class RecordedEventConnection(DocumentConnection):
    found: strawberry.Private[FoundEvents]
    page: strawberry.Private[list[RecordedEvent]]
    asked: strawberry.Private[PageArguments]

    @strawberry.field(description="The events of this page with their cursors.")
    def edges(self) -> list[RecordedEventEdge]:
        return [RecordedEventEdge(cursor=_cursor(event.position), node=event) for event in self.page]

    @strawberry.field(description="The events of this page.")
    def nodes(self) -> list[RecordedEvent]:
        return self.page

    @strawberry.field(
        description="Information about this page. With `first`, its `endCursor` is the point at which the "
        "search ended, after which the next page goes on; with `last`, its `startCursor` is. The cursor of "
        "that point is never null."
    )
    def page_info(self) -> PageInfo:
        cursors = [_cursor(event.position) for event in self.page]
        ended, backward = _cursor(self.found.searched_to), self.asked.backward
        return PageInfo(
            has_next_page=self.asked.before is not None if backward else self.found.has_more,
            has_previous_page=self.found.has_more if backward else self.asked.after is not None,
            start_cursor=ended if backward else next(iter(cursors), None),
            end_cursor=next(reversed(cursors), None) if backward else ended,
        )

    @strawberry.field(
        description="The position at which the search for this page ended, inclusive: all events between it "
        "and the cursor that was sent, or the end of the log, were looked at."
    )
    def searched_to(self) -> Position:
        return Position(self.found.searched_to)


@strawberry.input(description=f"Conditions on events of the log. {MATCH_ALL}")
class RecordedEventFilter:
    types: list[str] | None = strawberry.field(
        default=None, description="The types of the events, such as `OrderPlaced`; any of them may match."
    )
    stream: str | None = strawberry.field(
        default=None, description="The stream of the events, such as `stock-<uuid>`."
    )
    actor: str | None = strawberry.field(
        default=None, description="The actor on whose behalf the command was sent."
    )
    command_id: UUID | None = strawberry.field(
        default=None, description="The id of the command that recorded the events."
    )
    correlation_id: UUID | None = strawberry.field(
        default=None, description="The id that all commands and events of one process share."
    )
    at_from: datetime | None = strawberry.field(
        default=None, description="The earliest time of recording, inclusive."
    )
    at_to: datetime | None = strawberry.field(
        default=None, description="The latest time of recording, exclusive."
    )

    def wanted(self) -> WantedEvents:
        """Return the conditions; raise `BadArgument` for one that nothing can meet."""
        refuse_reversed(("atFrom", "atTo"), self.at_from, self.at_to)
        if self.types is not None and not 0 < len(self.types) <= MOST_TYPES:
            raise BadArgument(
                f"types names {len(self.types)} types of events. Name 1 to {MOST_TYPES}, or leave it out."
            )
        return WantedEvents(
            types=self.types,
            stream=self.stream,
            actor=self.actor,
            command_id=self.command_id,
            correlation_id=self.correlation_id,
            at_from=self.at_from,
            at_to=self.at_to,
        )


@strawberry.type
class EventsQuery:
    @visible_to(Sight.OPERATOR)
    @strawberry.field(
        description="The event log itself, newest events first, also while read models are behind. Personal "
        "data is left out."
    )
    async def events(
        self,
        info: Info,
        filter: Annotated[
            RecordedEventFilter | None,
            strawberry.argument(
                description="The conditions to filter by. By default all events are returned."
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> RecordedEventConnection | None:
        asked = page(first, after, last, before)
        size, wanted = asked.size, (filter or RecordedEventFilter()).wanted()
        if (asked.before if not asked.backward else asked.after) is not None:
            raise BadPage("Give first with after, or last with before.")
        archive = info.context.uncached_circle().archive
        if asked.backward:
            start = 0 if before is None else _position(before)
            found = await archive.browse_back(wanted, after=start, limit=size)
        else:
            end = None if after is None else _position(after)
            found = await archive.browse(wanted, before=end, limit=size)
        return RecordedEventConnection(
            found=found, page=[RecordedEvent.of(event) for event in found.events], asked=asked
        )


def _cursor(position: int) -> str:
    return encoded(_ORDER, [position])


def _position(cursor: str) -> int:
    """Return the position in a cursor; raise `BadPage`."""
    try:
        order, values = decoded(cursor)
    except NotACursor:
        order, values = (), []
    match values:
        case [int(position)] if list(order) == _ORDER:
            return position
    raise BadPage("This cursor is not one of the event log. Send one that `events` returned.")
