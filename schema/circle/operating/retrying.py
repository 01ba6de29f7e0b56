"""The mutation by which an operator retries a read model that has failed."""

import strawberry

from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.projecting.projections import ReadModelFailed
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from schema.circle.commands.errors import CommandError, shown
from schema.circle.commands.sending import Input
from schema.circle.consistency import Freshness, ReadModelName

PATIENCE = 5.0
"""Seconds to wait for the outcome of a retry. An event that can't be applied is given up after two."""


@strawberry.input(description="The input of the mutation `retryReadModel`.")
class RetryReadModelInput:
    read_model: ReadModelName = strawberry.field(description="The name of the read model to retry.")


@strawberry.type(description="The payload of the mutation `retryReadModel`.")
class RetryReadModelPayload:
    freshness: Freshness = strawberry.field(description="The freshness of the read model after the retry.")
    errors: list[CommandError] = strawberry.field(
        description="The reasons for a new failure; empty if the read model continues, or had not failed."
    )


@strawberry.type
class RetryingMutation:
    @visible_to(Sight.OPERATOR)
    @strawberry.mutation(
        description=(
            "Retries a read model in the state `FAILED`, from the event at which it stopped, and waits up "
            f"to {PATIENCE:.0f} seconds for the outcome. A read model that is waiting for its store retries "
            "at once; one that is `LIVE` is left alone. This is an action of an operator, not a command: "
            "it records no event, returns no receipt, and may be repeated freely."
        )
    )
    async def retry_read_model(
        self, info: Info, input: Input[RetryReadModelInput]
    ) -> RetryReadModelPayload | None:
        freshness = await info.context.uncached_circle().operating.retry(input.read_model.value, PATIENCE)
        failed = freshness.state is ReadModelState.FAILED
        errors = (
            [shown(ReadModelFailed(message=str(freshness.reason), path=("read_model",)))] if failed else []
        )
        return RetryReadModelPayload(freshness=Freshness.of(freshness), errors=errors)
