"""The way of every mutation: an input becomes a command, and its outcome a payload."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Self, TypeVar
from uuid import UUID

import strawberry
from uuid_utils.compat import uuid7

from app.cqrs.commands import outcomes as commands
from app.cqrs.commands.outcomes import InvalidInput, Refused
from app.cqrs.documents.read_model import Collection, Document
from app.cqrs.freshness.tokens import Token
from app.cqrs.message_fields import id_field
from app.cqrs.messages import Command
from app.graphql.execution.context import Info, SentCommand
from schema.circle.commands.errors import CommandError, shown
from schema.circle.consistency import Receipt
from schema.circle.ids import BadInput

T = TypeVar("T")
Input = Annotated[T, strawberry.argument(description="What is to be done.")]


@strawberry.input
class CommandInput:
    """What every mutation's input has."""

    command_id: UUID | None = strawberry.field(
        default=None,
        description=(
            "Makes the command safe to repeat: it takes effect once, and gets the first receipt. "
            "A refused command does not use its id up."
        ),
    )

    def command(self) -> Command:
        """Return the command that this asks for; raise `BadInput` where none can be made of it."""
        raise NotImplementedError


@strawberry.input
class ChangeInput(CommandInput):
    """What every input has that changes something known."""

    expected_version: int | None = strawberry.field(
        default=None, description="Refuse the command where the current version is another."
    )


@strawberry.type
class Payload:
    """What every mutation answers with; subclasses add the entity that was changed."""

    receipt: Receipt = strawberry.field(description="What the command left behind.")
    errors: list[CommandError] = strawberry.field(
        description="Why the command was refused; empty when it was accepted."
    )
    changed: strawberry.Private[UUID | None] = None
    position: strawberry.Private[int | None] = None

    async def read_back(self, info: Info, collection: Collection) -> Document | None:
        """The changed entity, as soon as the read model holds the change; null when it was refused."""
        if self.changed is None:
            return None
        at_least = [Token(self.position)] if self.position else []
        return await info.context.reading.get(collection, str(self.changed), at_least)

    @classmethod
    def refused(cls, command_id: UUID, errors: Iterable[commands.CommandError]) -> Self:
        """The payload of a command that changed nothing, and may be sent again with the same id."""
        nothing = Receipt(command_id=command_id, token=None, events=[])
        return cls(receipt=nothing, errors=[shown(error) for error in errors])

    @classmethod
    def accepted(cls, outcome: commands.Receipt, changed: UUID | None, info: Info) -> Self:
        """The payload of a command that took effect, now or when it was first sent."""
        info.context.written = max(info.context.written, outcome.position or 0)
        receipt = Receipt.of(outcome, info.context.uncached_circle().tokens)
        return cls(receipt=receipt, errors=[], changed=changed, position=outcome.position)


P = TypeVar("P", bound=Payload)


async def send(info: Info, payload: type[P], kinds: Sequence[str], input: CommandInput) -> P:
    """Makes the command, carries it out, and shows what came of it to an aggregate of one of these `kinds`.

    An id that makes no sense is a refusal like any other.
    """
    command_id = uuid7() if input.command_id is None else input.command_id
    sent = info.context.sent[info.path.key] = SentCommand(command_id=command_id)
    try:
        command = input.command()
    except BadInput as bad:
        return payload.refused(command_id, [InvalidInput(message=str(bad), path=bad.path)])
    outcome = await info.context.uncached_circle().commands.execute(command, command_id=command_id)
    if isinstance(outcome, Refused):
        return payload.refused(command_id, outcome.errors)
    sent.accepted = True
    return payload.accepted(outcome, _subject(command, outcome, kinds), info)


def _subject(command: Command, receipt: commands.Receipt, kinds: Sequence[str]) -> UUID | None:
    """Return the id of what a command was about: it says so itself, unless it made something new."""
    for kind in kinds:
        if field := id_field(type(command), kind):
            return UUID(str(getattr(command, field)))
    streams = (mark.stream.partition("-") for mark in receipt.events)
    return next((UUID(key) for kind, _, key in streams if kind in kinds), None)
