"""What an operator does about a read model that has failed."""

import strawberry

from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.projecting.projections import ReadModelFailed
from app.graphql.execution.context import Info
from schema.circle.commands.errors import CommandError, shown
from schema.circle.commands.sending import Input
from schema.circle.consistency import Freshness, ReadModelName

PATIENCE = 5.0
"""Seconds to wait for what the try leads to; an event that can't be applied is given up after two."""


@strawberry.input(description="The read model to try again.")
class RetryReadModelInput:
    """The input of `retryReadModel`."""

    read_model: ReadModelName = strawberry.field(description="Which read model.")


@strawberry.type(description="What came of `retryReadModel`.")
class RetryReadModelPayload:
    """How it stands with the read model now."""

    freshness: Freshness = strawberry.field(
        description="What the read model is doing now, and how far it is."
    )
    errors: list[CommandError] = strawberry.field(
        description="Why it failed again; empty when it goes on, or had not failed."
    )


@strawberry.type
class RetryingMutation:
    """Mutations for operators."""

    @strawberry.mutation(
        description=(
            "Has a read model that is `FAILED` go on from the very event where it stopped, and waits a few "
            "seconds for what comes of it. One that waits for its store tries at once; one that is `LIVE` is "
            "left alone. This is an operator's act and no command of the business: it records no event, so "
            "there is no receipt, and it may be repeated freely."
        )
    )
    async def retry_read_model(
        self, info: Info, input: Input[RetryReadModelInput]
    ) -> RetryReadModelPayload | None:
        """Wakes the projector."""
        freshness = await info.context.uncached_circle().projections.retry(input.read_model.value, PATIENCE)
        failed = freshness.state is ReadModelState.FAILED
        errors = (
            [shown(ReadModelFailed(message=str(freshness.reason), path=("read_model",)))] if failed else []
        )
        return RetryReadModelPayload(freshness=Freshness.of(freshness), errors=errors)
