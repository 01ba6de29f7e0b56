"""What a client is told of the lag: receipts after commands, freshness with every answer."""

from uuid import UUID

import strawberry

from app.cqrs.commands import outcomes as commands
from app.cqrs.freshness.progress import Freshness as Progress
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.freshness.tokens import Tokens
from schema.circle.enums import Named, describe
from schema.circle.ids import BadId, global_id, key_of, split_id
from schema.circle.scalars import ConsistencyToken, Position
from schema.circle.shown import kinds_of, subject_types, type_of

MOST_BEHIND = 2**31 - 1
"""The most that an Int can say: a log of more events may be read anew, and its freshness is to be seen."""


class ReadModelName(Named, description="A read model: documents that answer one question."):
    """The read models by name; each says of itself what it answers."""


describe(
    ReadModelState,
    "What a read model is doing.",
    {
        "CATCHING_UP": "It reads events that it missed.",
        "LIVE": "It follows the log.",
        "FAILED": "It stopped at an event that it can't apply; the others go on. See `retryReadModel`.",
    },
)


@strawberry.type(description="Something that happened, as a receipt names it.")
class EventReference:
    """One recorded event."""

    event_id: UUID = strawberry.field(description="The event's own id.")
    type: str = strawberry.field(description="What happened, such as `OrderPlaced`.")
    subject: strawberry.ID = strawberry.field(description="The id of the node it happened to.")
    position: Position = strawberry.field(description="Its place in the event log.")


@strawberry.type(description="What a command left behind: nothing, where it was refused or changed nothing.")
class Receipt:
    """What a command left behind."""

    command_id: UUID = strawberry.field(
        description="The command's id: the one that was sent, or the one it was given."
    )
    token: ConsistencyToken | None = strawberry.field(
        description="Reads that carry it see this command's effects; null when nothing changed."
    )
    events: list[EventReference] = strawberry.field(description="What happened, in order.")

    @classmethod
    def of(cls, receipt: commands.Receipt, tokens: Tokens) -> "Receipt":
        """The receipt as clients see it."""
        return cls(
            command_id=receipt.command_id,
            token=ConsistencyToken(tokens.of(receipt.events[-1])) if receipt.events else None,
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


@strawberry.type(description="Which position a read model reflects, and how far that is behind the log.")
class Freshness:
    """One read model's freshness."""

    read_model: ReadModelName = strawberry.field(description="The read model.")
    state: ReadModelState = strawberry.field(description="What it is doing.")
    position: Position = strawberry.field(description="All events up to here are in its documents.")
    head: Position = strawberry.field(description="The newest position in the log.")
    events_behind: int = strawberry.field(
        description=f"How many events are not applied yet; {MOST_BEHIND:,} stands for that many or more."
    )
    milliseconds_behind: float = strawberry.field(  # an Int ends after 25 days
        description="The age of the oldest event that is not applied; 0 where there is none."
    )
    reason: str | None = strawberry.field(description="Why it failed, and at which event, where it did.")

    @classmethod
    def of(cls, progress: Progress) -> "Freshness":
        """The freshness as clients see it."""
        return cls(
            read_model=ReadModelName(progress.read_model),
            state=progress.state,
            position=Position(progress.position),
            head=Position(progress.head),
            events_behind=min(progress.events_behind, MOST_BEHIND),
            milliseconds_behind=progress.milliseconds_behind,
            reason=progress.reason,
        )


def streams_of(subject: str) -> list[str]:
    """Return the streams whose events happen to the node with this id; raise `BadId` for another type."""
    type_name, _ = split_id(subject)
    kinds = kinds_of(type_name)
    if not kinds:
        *others, last = subject_types()
        raise BadId(
            f"Nothing happens to what this is the id of. Send the id of a {', '.join(others)} or {last}."
        )
    key = key_of(type_name, subject)
    return [f"{kind}-{key}" for kind in kinds]


def subject_of(stream: str) -> strawberry.ID:
    """The id of the node whose history a stream is."""
    kind, _, key = stream.partition("-")
    return global_id(type_of(kind), key)
