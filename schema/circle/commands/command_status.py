"""The status of a command, for clients that lost the answer or wait for its effects to be visible."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import strawberry

from app.cqrs.commands.outcomes import CommandKey
from app.cqrs.freshness import command_status
from app.cqrs.freshness.command_status import CommandState
from app.cqrs.freshness.tokens import Tokens
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Context, Info
from app.graphql.execution.personal import BY_ACTOR
from app.graphql.execution.visibility import visible_to
from schema.circle.consistency import ReadModelName, Receipt
from schema.circle.enums import describe

describe(
    CommandState,
    "The progress of a command.",
    {
        "UNKNOWN": "No command with this id was accepted: it was not received, was refused, or is still in "
        "progress. Send it again with the same `commandId`.",
        "COMMITTED": "The command took effect, but at least one read model does not show it yet.",
        "PROJECTED": "The command took effect, and all read models show it.",
        "FAILED": "The command took effect, but a read model stopped before it could show it. See "
        "`freshness`.",
    },
)

CommandId = Annotated[
    UUID, strawberry.argument(description="The id that was sent with the command, or the one in its receipt.")
]


@strawberry.type(
    description="The status of a command that you have sent. It comes from the write side, so it is known "
    "before read models show it. For anybody else the command is `UNKNOWN`."
)
class CommandStatus:
    command_id: UUID = strawberry.field(description="The id of the command.")
    state: CommandState = strawberry.field(description="The progress of the command.")
    receipt: Receipt | None = strawberry.field(
        description="The receipt of the command; null if no such command was accepted."
    )
    projected_in: list[ReadModelName] = strawberry.field(
        description="The read models that show the effects; empty while the state is `UNKNOWN`."
    )
    pending_in: list[ReadModelName] = strawberry.field(
        description="The read models that do not show the effects yet."
    )
    failed_in: list[ReadModelName] = strawberry.field(
        description="The read models that stopped before they could show the effects."
    )

    @classmethod
    def of(cls, status: command_status.CommandStatus, tokens: Tokens) -> "CommandStatus":
        """Return the status in the form that clients see."""
        return cls(
            command_id=status.command_id,
            state=status.state,
            receipt=Receipt.of(status.receipt, tokens) if status.receipt else None,
            projected_in=[ReadModelName(name) for name in status.projected_in],
            pending_in=[ReadModelName(name) for name in status.pending_in],
            failed_in=[ReadModelName(name) for name in status.failed_in],
        )


def _note_token(context: Context, status: command_status.CommandStatus) -> None:
    """Have the answer bring the command's token, as the lost answer to the mutation would have."""
    if status.receipt:
        context.written = max(context.written, status.receipt.covered)


@strawberry.type
class CommandStatusQuery:
    @visible_to(Sight.ANONYMOUS)
    @strawberry.field(description="The status of a command, for example of one whose answer was lost.")
    async def command_status(self, info: Info, command_id: CommandId) -> CommandStatus | None:
        context = info.context
        circle = context.uncached_circle()
        status = await circle.statuses.now(CommandKey(context.viewer.actor, command_id))
        _note_token(context, status)
        return CommandStatus.of(status, circle.tokens)


@strawberry.type
class CommandStatusSubscription:
    @visible_to(Sight.ANONYMOUS)
    @strawberry.subscription(
        metadata=BY_ACTOR,
        description=(
            "The status of a command: the current one, then each new one, until all read models show the "
            "effects. After a lost connection subscribe again: the first item is the current status."
        ),
    )
    async def command_status(self, info: Info, command_id: CommandId) -> AsyncIterator[CommandStatus]:
        context = info.context
        circle = context.uncached_circle()
        key = CommandKey(context.viewer.actor, command_id)
        async with aclosing(circle.statuses.follow(key)) as statuses:
            async for status in statuses:
                _note_token(context, status)
                yield CommandStatus.of(status, circle.tokens)
