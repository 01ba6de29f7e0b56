"""What has become of a command, for clients that lost the answer or want to wait for its effects."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import strawberry

from app.cqrs.freshness import command_status
from app.cqrs.freshness.command_status import CommandState
from app.cqrs.freshness.tokens import Tokens
from app.graphql.execution.context import Info
from schema.circle.consistency import ReadModelName, Receipt
from schema.circle.enums import describe

describe(
    CommandState,
    "How far a command has come.",
    {
        "UNKNOWN": "No such command was accepted: it never came, was refused, or is on its way. "
        "Send it, with the same commandId.",
        "COMMITTED": "It has taken effect; read models are about to show it.",
        "PROJECTED": "It has taken effect, and all read models show it.",
        "FAILED": "It has taken effect, but a read model has stopped before it: see `freshness`.",
    },
)

CommandId = Annotated[
    UUID, strawberry.argument(description="The id that was sent with the command, or that its receipt has.")
]


@strawberry.type(description="What has become of a command. It is told by the write side, not by documents.")
class CommandStatus:
    """One command's way."""

    command_id: UUID = strawberry.field(description="The command.")
    state: CommandState = strawberry.field(description="How far it has come.")
    receipt: Receipt | None = strawberry.field(
        description="What it left behind; null where no such command was accepted."
    )
    projected_in: list[ReadModelName] = strawberry.field(
        description="The read models that show its effects; none while the command is unknown."
    )
    pending_in: list[ReadModelName] = strawberry.field(description="The read models that are about to.")
    failed_in: list[ReadModelName] = strawberry.field(
        description="The read models that have stopped before it."
    )

    @classmethod
    def of(cls, status: command_status.CommandStatus, tokens: Tokens) -> "CommandStatus":
        """The status as clients see it."""
        return cls(
            command_id=status.command_id,
            state=status.state,
            receipt=Receipt.of(status.receipt, tokens) if status.receipt else None,
            projected_in=[ReadModelName(name) for name in status.projected_in],
            pending_in=[ReadModelName(name) for name in status.pending_in],
            failed_in=[ReadModelName(name) for name in status.failed_in],
        )


@strawberry.type
class CommandStatusQuery:
    """What has become of commands."""

    @strawberry.field(description="What has become of a command, such as one whose answer was lost.")
    async def command_status(self, info: Info, command_id: CommandId) -> CommandStatus | None:
        """Asked of the write side."""
        circle = info.context.uncached_circle()
        return CommandStatus.of(await circle.statuses.now(command_id), circle.tokens)


@strawberry.type
class CommandStatusSubscription:
    """What becomes of commands."""

    @strawberry.subscription(
        description=(
            "What has become of a command, and then each change, until all read models show it. "
            "After a lost connection subscribe again: the first item is the status of then."
        )
    )
    async def command_status(self, info: Info, command_id: CommandId) -> AsyncIterator[CommandStatus]:
        """As it happens."""
        circle = info.context.uncached_circle()
        async with aclosing(circle.statuses.follow(command_id)) as statuses:
            async for status in statuses:
                yield CommandStatus.of(status, circle.tokens)
