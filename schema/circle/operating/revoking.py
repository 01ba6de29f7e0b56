"""The mutation by which an operator revokes the tokens of an actor."""

from datetime import datetime

import strawberry

from app.cqrs.commands.outcomes import InvalidInput
from app.cqrs.revocations import problem_with_actor
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from schema.circle.commands.errors import CommandError, shown
from schema.circle.commands.sending import Input


@strawberry.input(description="The input of the mutation `revokeTokens`.")
class RevokeTokensInput:
    actor: str = strawberry.field(
        description="The name of the actor, which the claim `sub` of their tokens has, and which events show."
    )


@strawberry.type(description="The payload of the mutation `revokeTokens`.")
class RevokeTokensPayload:
    revoked_at: datetime | None = strawberry.field(
        description="The time until which tokens were issued that are revoked now; null if it was refused."
    )
    errors: list[CommandError] = strawberry.field(
        description="The reasons for which it was refused; empty if the tokens are revoked."
    )


@strawberry.type
class RevokingMutation:
    @visible_to(Sight.OPERATOR)
    @strawberry.mutation(
        description=(
            "Revokes all tokens that an actor has until now. Within a second, all processes end the actor's "
            "sockets and event streams, and refuse the tokens. Later tokens are valid. This is an action of "
            "an operator, not a command: it records no event, returns no receipt, and may be repeated freely."
        )
    )
    async def revoke_tokens(self, info: Info, input: Input[RevokeTokensInput]) -> RevokeTokensPayload | None:
        if problem := problem_with_actor(input.actor):
            refusal = InvalidInput(message=problem, path=("actor",))
            return RevokeTokensPayload(revoked_at=None, errors=[shown(refusal)])
        revocations = info.context.uncached_circle().revocations
        revocation = await revocations.revoke(input.actor, by=info.context.viewer.actor)
        return RevokeTokensPayload(revoked_at=revocation.at, errors=[])
