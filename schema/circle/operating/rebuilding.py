"""The rebuilds of read models, as operators start, watch and end them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

import strawberry

from app.cqrs.commands.outcomes import CommandError as Refusal
from app.cqrs.operating.operations import Remade
from app.cqrs.rebuilding.rebuilds import RebuildProgress
from app.cqrs.rebuilding.records import RebuildState
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from schema.circle.commands.errors import CommandError, shown
from schema.circle.commands.sending import Input
from schema.circle.consistency import ReadModelName
from schema.circle.enums import describe
from schema.circle.operating.choosing import RebuildReadModelInput, RebuiltDocuments, chosen_by
from schema.circle.operating.retrying import PATIENCE
from schema.circle.scalars import Position

describe(
    RebuildState,
    "The state of the newest rebuild of a read model.",
    {
        "BUILDING": "New documents are built from the log, beside those that serve.",
        "VERIFYING": "The new documents are compared with those that serve.",
        "DIFFERENT": "The comparison has found differences, or could not be made. Both go on. Accept the "
        "differences, or abort the rebuild.",
        "FAILED": "An event can't be applied to the new documents. Those of before serve. Start the rebuild "
        "again to retry that event, or abort it.",
        "SWITCHED": "The new documents serve. Those of before are kept up to date: see `rollBackReadModel`.",
        "FINISHED": "The new documents serve. Those of before are dropped.",
        "ABORTED": "The rebuild was ended before the new documents served.",
        "ROLLED_BACK": "The documents of before serve again. The new ones are dropped.",
    },
)


@strawberry.type(description="The newest rebuild of a read model.")
class Rebuild:
    read_model: ReadModelName = strawberry.field(description="The name of the read model.")
    state: RebuildState = strawberry.field(description="The state of the rebuild.")
    position: Position = strawberry.field(
        description="The position up to which all events are applied to the new documents, inclusive."
    )
    head: Position = strawberry.field(description="The position of the newest event in the log.")
    events_per_second: float = strawberry.field(
        description="The number of events applied per second during the last seconds; 0 unless the state is "
        "`BUILDING`."
    )
    seconds_left: float | None = strawberry.field(
        description="The estimated seconds until all events are applied; null if nothing moves, or unless "
        "the state is `BUILDING`."
    )
    started_at: datetime = strawberry.field(description="The time at which the rebuild was started.")
    kept_until: datetime | None = strawberry.field(
        description="The time at which the documents of before are dropped, until which a rollback is "
        "possible; null if there are none."
    )
    reason: str | None = strawberry.field(
        description="The reason for the failure, or the differences that were found; null if there are none."
    )

    @classmethod
    def of(cls, progress: RebuildProgress) -> "Rebuild":
        """Return the rebuild in the form that clients see."""
        return cls(
            read_model=ReadModelName(progress.read_model),
            state=progress.state,
            position=Position(progress.position),
            head=Position(progress.head),
            events_per_second=round(progress.events_per_second, 1),
            seconds_left=None if progress.seconds_left is None else round(progress.seconds_left, 1),
            started_at=progress.started_at,
            kept_until=progress.kept_until,
            reason=progress.reason,
        )


@strawberry.type(description="The payload of the mutation `rebuildReadModel`.")
class RebuildReadModelPayload:
    rebuild: Rebuild | None = strawberry.field(
        description="The newest rebuild of the read model; null if there was none."
    )
    errors: list[CommandError] = strawberry.field(
        description="The reasons for which it was refused; empty if the rebuild goes on."
    )
    documents: RebuiltDocuments | None = strawberry.field(
        default=None,
        description="The documents that are made anew in their places; null unless the input chooses some.",
    )


@strawberry.input(description="The input of the mutation `abortRebuild`.")
class AbortRebuildInput:
    read_model: ReadModelName = strawberry.field(description="The name of the read model that is rebuilt.")


@strawberry.type(description="The payload of the mutation `abortRebuild`.")
class AbortRebuildPayload:
    rebuild: Rebuild | None = strawberry.field(
        description="The newest rebuild of the read model; null if there was none."
    )
    errors: list[CommandError] = strawberry.field(
        description="The reasons for which it was refused; empty if the rebuild has ended."
    )


@strawberry.input(description="The input of the mutation `rollBackReadModel`.")
class RollBackReadModelInput:
    read_model: ReadModelName = strawberry.field(description="The name of the read model to roll back.")


@strawberry.type(description="The payload of the mutation `rollBackReadModel`.")
class RollBackReadModelPayload:
    rebuild: Rebuild | None = strawberry.field(
        description="The newest rebuild of the read model; null if there was none."
    )
    errors: list[CommandError] = strawberry.field(
        description="The reasons for which it was refused; empty if the documents of before serve again."
    )


_NO_COMMAND = "This is an action of an operator, not a command: it records no event and returns no receipt."


@strawberry.type
class RebuildingMutation:
    @visible_to(Sight.OPERATOR)
    @strawberry.mutation(
        description=(
            "Builds the documents of a read model anew from the log, beside those that serve, and has them "
            "serve once they show every event. Reads and commands go on meanwhile. A rebuild that has failed "
            f"is retried. {_NO_COMMAND} See `rebuildProgress`. If the input chooses documents, only these "
            "are made anew, from all events about them, and replaced together: each is then as a rebuild of "
            "the whole read model would make it, also if it shows several streams, or sums. Those kept for a "
            "rollback stay as they are. It waits up to "
            f"{PATIENCE:.0f} seconds, and can be repeated."
        )
    )
    async def rebuild_read_model(
        self, info: Info, input: Input[RebuildReadModelInput]
    ) -> RebuildReadModelPayload | None:
        operating = info.context.uncached_circle().operating
        if chosen := chosen_by(input):
            if isinstance(chosen, Refusal):
                return RebuildReadModelPayload(rebuild=None, errors=_errors(chosen))
            done = await operating.remake(input.read_model.value, chosen, PATIENCE)
            return RebuildReadModelPayload(
                rebuild=_newest(info, input.read_model),
                documents=RebuiltDocuments.of(done) if isinstance(done, Remade) else None,
                errors=_errors(done) if isinstance(done, Refusal) else [],
            )
        refusal = await operating.begin(
            input.read_model.value,
            keep=timedelta(seconds=input.keep_seconds),
            verify=input.verify,
            accept=input.accept_differences,
        )
        return RebuildReadModelPayload(rebuild=_newest(info, input.read_model), errors=_errors(refusal))

    @visible_to(Sight.OPERATOR)
    @strawberry.mutation(
        description=(
            "Ends a rebuild before the new documents serve, and drops these. Those that serve are not "
            f"affected. {_NO_COMMAND}"
        )
    )
    async def abort_rebuild(self, info: Info, input: Input[AbortRebuildInput]) -> AbortRebuildPayload | None:
        refusal = await info.context.uncached_circle().operating.abort(input.read_model.value)
        return AbortRebuildPayload(rebuild=_newest(info, input.read_model), errors=_errors(refusal))

    @visible_to(Sight.OPERATOR)
    @strawberry.mutation(
        description=(
            "Has the documents from before the last rebuild serve again, which are up to date, and drops the "
            f"new ones. {_NO_COMMAND}"
        )
    )
    async def roll_back_read_model(
        self, info: Info, input: Input[RollBackReadModelInput]
    ) -> RollBackReadModelPayload | None:
        refusal = await info.context.uncached_circle().operating.roll_back(input.read_model.value)
        return RollBackReadModelPayload(rebuild=_newest(info, input.read_model), errors=_errors(refusal))


@strawberry.type
class RebuildingQuery:
    @visible_to(Sight.OPERATOR)
    @strawberry.field(description="The newest rebuild of each read model that was ever rebuilt.")
    def rebuild_progress(self, info: Info) -> list[Rebuild] | None:
        return _shown(info.context.uncached_circle().rebuilds.progress())


@strawberry.type
class RebuildingSubscription:
    @visible_to(Sight.OPERATOR)
    @strawberry.subscription(
        description=(
            "The newest rebuild of each read model that was ever rebuilt: now, and after each change, at "
            "most twice a second. After a lost connection subscribe again: the first item is the current "
            "progress."
        )
    )
    async def rebuild_progress(self, info: Info) -> AsyncIterator[list[Rebuild]]:
        async with aclosing(info.context.uncached_circle().rebuilds.follow()) as reports:
            async for progress in reports:
                yield _shown(progress)


def _shown(progress: Sequence[RebuildProgress]) -> list[Rebuild]:
    return [Rebuild.of(each) for each in progress]


def _newest(info: Info, read_model: ReadModelName) -> Rebuild | None:
    found = info.context.uncached_circle().rebuilds.of(read_model.value)
    return Rebuild.of(found) if found else None


def _errors(refusal: Refusal | None) -> list[CommandError]:
    return [shown(refusal)] if refusal else []
