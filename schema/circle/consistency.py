"""Receipts of commands and freshness of read models: how clients see consistency and lag."""

from uuid import UUID

import strawberry

from app.cqrs.commands import outcomes as commands
from app.cqrs.freshness.progress import Freshness as Progress
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.freshness.tokens import Tokens
from app.graphql.execution.context import Info
from schema.circle.enums import Named, describe
from schema.circle.ids import BadId, global_id, key_of, split_id
from schema.circle.nodes import Node, linked_node
from schema.circle.scalars import ConsistencyToken, Position
from schema.circle.shown import kinds_of, subject_types, type_of

MOST_BEHIND = 2**31 - 1
"""The greatest Int: a rebuild may be more events behind, and its freshness must still be answered."""


class ReadModelName(
    Named,
    description="The names of the read models. A read model is a set of documents that serves one kind of "
    "query.",
):
    """The read models by name; each brings its own description."""


describe(
    ReadModelState,
    "The state of a read model.",
    {
        "CATCHING_UP": "The read model applies events that it has missed.",
        "LIVE": "The read model applies each event as soon as it is published.",
        "FAILED": "The read model stopped at an event that it can't apply. Other read models continue. See "
        "`retryReadModel`.",
    },
)


@strawberry.type(description="A reference to a recorded event.")
class EventReference:
    event_id: UUID = strawberry.field(description="The id of the event.")
    type: str = strawberry.field(description="The type of the event, such as `OrderPlaced`.")
    subject: strawberry.ID = strawberry.field(
        description="The global id of the node that the event concerns."
    )
    position: Position = strawberry.field(description="The position of the event in the log.")

    @strawberry.field(
        description="The node that the event concerns, as it is now; null if there is none that you may see."
    )
    async def subject_node(self, info: Info) -> Node | None:
        return await linked_node(info, self.subject)


@strawberry.type(description="The receipt of a command: its id, its consistency token and its events.")
class Receipt:
    command_id: UUID = strawberry.field(
        description="The id of the command: the one that was sent, or a generated one."
    )
    token: ConsistencyToken | None = strawberry.field(
        description="The consistency token of the command: a read that carries it reflects the effects. If "
        "the command was refused or changed nothing, the read reflects all that was decided by, such as the "
        "stock that was too small. Null only if nothing had to be looked up, as for an invalid input."
    )
    events: list[EventReference] = strawberry.field(
        description="The events that the command recorded, in order; empty if it was refused or changed "
        "nothing."
    )

    @classmethod
    def of(cls, receipt: commands.Receipt, tokens: Tokens) -> "Receipt":
        """Return the receipt in the form that clients see."""
        return cls(
            command_id=receipt.command_id,
            token=token_of(receipt, tokens),
            events=[
                EventReference(
                    event_id=mark.event_id,
                    type=mark.type,
                    subject=subject_of(mark.stream),
                    position=Position(mark.position),
                )
                for mark in receipt.events
            ],
        )

    @classmethod
    def of_refused(cls, command_id: UUID, refusal: commands.Refused, tokens: Tokens) -> "Receipt":
        """Return the receipt of a refused command."""
        return cls(command_id=command_id, token=token_of(refusal, tokens), events=[])


def token_of(outcome: commands.Decided, tokens: Tokens) -> ConsistencyToken | None:
    """Return the token with which reads do not contradict an outcome; `None` if none is needed."""
    return ConsistencyToken(tokens.of(outcome.newest)) if outcome.newest else None


@strawberry.type(description="The position that a read model has reached, and its lag behind the log.")
class Freshness:
    read_model: ReadModelName = strawberry.field(description="The name of the read model.")
    state: ReadModelState = strawberry.field(description="The state of the read model.")
    position: Position = strawberry.field(
        description="The position up to which all events are applied, inclusive."
    )
    head: Position = strawberry.field(description="The position of the newest event in the log.")
    events_behind: int = strawberry.field(
        description=f"The number of events that are not applied yet. {MOST_BEHIND:,} means that many or more."
    )
    milliseconds_behind: float = strawberry.field(  # An Int would overflow after 25 days.
        description="The age of the oldest event that is not applied yet, in milliseconds; 0 if all are "
        "applied."
    )
    events_skipped: int = strawberry.field(
        description="The number of events that operators have had the read model skip, so that its documents "
        "lack them. See `skippedEvents`."
    )
    reason: str | None = strawberry.field(
        description="The reason for the failure, with the event at which it happened; null unless the state "
        "is `FAILED`."
    )

    @classmethod
    def of(cls, progress: Progress) -> "Freshness":
        """Return the freshness in the form that clients see."""
        return cls(
            read_model=ReadModelName(progress.read_model),
            state=progress.state,
            position=Position(progress.position),
            head=Position(progress.head),
            events_behind=min(progress.events_behind, MOST_BEHIND),
            milliseconds_behind=progress.milliseconds_behind,
            events_skipped=progress.events_skipped,
            reason=progress.reason,
        )


def streams_of(subject: str) -> list[str]:
    """Return the streams whose events concern the node with this global id.

    Raises `BadId` for a type that no events concern.
    """
    type_name, _ = split_id(subject)
    kinds = kinds_of(type_name)
    if not kinds:
        *others, last = subject_types()
        raise BadId(
            f"No events concern an object of the type {type_name[:40]}. "
            f"Send the id of a {', '.join(others)} or {last}."
        )
    key = key_of(type_name, subject)
    return [f"{kind}-{key}" for kind in kinds]


def subject_of(stream: str) -> strawberry.ID:
    """Return the global id of the node that the events of a stream concern."""
    kind, _, key = stream.partition("-")
    return global_id(type_of(kind), key)
