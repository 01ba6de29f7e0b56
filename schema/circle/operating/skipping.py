"""The mutation by which an operator has a read model skip an event, and the list of these decisions."""

from datetime import datetime
from uuid import UUID

import strawberry

from app.cqrs.projecting.skipping import LONGEST_REASON, Skip
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from schema.circle.commands.errors import CommandError, shown
from schema.circle.commands.sending import Input
from schema.circle.consistency import Freshness, ReadModelName
from schema.circle.operating.retrying import PATIENCE
from schema.circle.scalars import Position


@strawberry.input(description="The input of the mutation `skipEvent`.")
class SkipEventInput:
    read_model: ReadModelName = strawberry.field(description="The name of the read model that has failed.")
    position: Position = strawberry.field(description="The position of the event at which it has failed.")
    reason: str = strawberry.field(
        description=f"The reason for the decision, 1 to {LONGEST_REASON} characters. It stays in the log for "
        "good: name no person."
    )


@strawberry.type(description="The payload of the mutation `skipEvent`.")
class SkipEventPayload:
    freshness: Freshness = strawberry.field(description="The freshness of the read model after the decision.")
    errors: list[CommandError] = strawberry.field(
        description="The reasons for which the event is not skipped; empty if it is."
    )


@strawberry.type
class SkippingMutation:
    @visible_to(Sight.OPERATOR)
    @strawberry.mutation(
        description=(
            "Has a read model in the state `FAILED` skip the event at which it stopped, and waits up to "
            f"{PATIENCE:.0f} seconds until it goes on. Its documents lack that event from then on, in all "
            "processes and after a rebuild, too. The decision is recorded in the log with its actor and "
            "reason, and can't be undone. It may be repeated freely: the same decision is recorded once."
        )
    )
    async def skip_event(self, info: Info, input: Input[SkipEventInput]) -> SkipEventPayload | None:
        circle, name = info.context.uncached_circle(), input.read_model.value
        refusal = await circle.operating.skip(
            name,
            input.position,
            reason=input.reason,
            by=info.context.viewer.actor,
            patience=PATIENCE,
        )
        freshness = Freshness.of(circle.progress[name].freshness())
        return SkipEventPayload(freshness=freshness, errors=[] if refusal is None else [shown(refusal)])


@strawberry.type(description="An event that a read model leaves out, because an operator has decided so.")
class SkippedEvent:
    read_model: ReadModelName = strawberry.field(description="The name of the read model.")
    position: Position = strawberry.field(description="The position of the event that is left out.")
    event_id: UUID = strawberry.field(description="The id of the event that is left out.")
    event_type: str = strawberry.field(description="The type of the event that is left out.")
    reason: str = strawberry.field(
        description="The reason that the operator gave; empty if it can't be read any more."
    )
    actor: str = strawberry.field(description="The name of the operator who decided it.")
    skipped_at: datetime = strawberry.field(description="The time when the decision was recorded.")

    @classmethod
    def of(cls, skip: Skip) -> "SkippedEvent":
        """Return the decision in the form that clients see."""
        event = skip.event
        return cls(
            read_model=ReadModelName(event.read_model),
            position=Position(event.position),
            event_id=event.event_id,
            event_type=event.event_type,
            reason=event.reason or "",
            actor=skip.by,
            skipped_at=skip.at,
        )


@strawberry.type
class SkippedEventsQuery:
    @visible_to(Sight.OPERATOR)
    @strawberry.field(
        description="The events that operators have had read models skip, in the order of the decisions."
    )
    async def skipped_events(self, info: Info) -> list[SkippedEvent] | None:
        circle = info.context.uncached_circle()
        decided = await circle.skipping.decisions()
        # A read model that an earlier version had has no name any more.
        return [SkippedEvent.of(each) for each in decided if each.event.read_model in circle.progress]
