"""The execution of a mutation: its input becomes a command, and the outcome its payload."""

from collections.abc import Sequence
from typing import Annotated, Self, TypeVar
from uuid import UUID

import strawberry
from uuid_utils.compat import uuid7

from app.cqrs.commands import outcomes as commands
from app.cqrs.commands.outcomes import InvalidInput, Refused, refused
from app.cqrs.documents.read_model import Collection, Document
from app.cqrs.freshness.tokens import Token
from app.cqrs.message_fields import id_field
from app.cqrs.messages import Command
from app.graphql.execution.context import Info, SentCommand
from schema.circle.commands.cascades import CASCADE, Cascade
from schema.circle.commands.errors import CommandError, shown
from schema.circle.consistency import Receipt
from schema.circle.ids import BadInput

T = TypeVar("T")
INPUT = "The input of this mutation."
Input = Annotated[T, strawberry.argument(description=INPUT)]


@strawberry.input
class CommandInput:
    """The fields that the input of every mutation has."""

    command_id: UUID | None = strawberry.field(
        default=None,
        description=(
            "A unique id that makes the command safe to repeat: it takes effect once, and every repetition "
            "returns the first receipt. Another command of yours with the same id is refused; commands of "
            "other senders have nothing to do with it. The id of a refused command may be used again. By "
            "default an id is generated."
        ),
    )

    def command(self) -> Command:
        """Return the command that this input describes; raise `BadInput` if it is invalid."""
        raise NotImplementedError


@strawberry.input
class ChangeInput(CommandInput):
    """The fields that the input of every mutation of an existing object has."""

    expected_version: int | None = strawberry.field(
        default=None,
        description="The version that the object must have; with any other the command is refused with a "
        "`VersionConflict`. By default every version is accepted.",
    )


@strawberry.type
class Payload:
    """The fields that the payload of every mutation has; subclasses add the changed node."""

    receipt: Receipt = strawberry.field(description="The receipt of the command.")
    errors: list[CommandError] = strawberry.field(
        description="The reasons for which the command was refused; empty if it was accepted."
    )
    changed: strawberry.Private[UUID | None] = None
    positions: strawberry.Private[Sequence[int]] = ()
    """The positions of the command's events."""

    @strawberry.field(description=CASCADE.format("the command"))
    async def cascade(self, info: Info) -> Cascade | None:
        return await Cascade.of(info, self.positions, await info.tokens())

    async def read_back(self, info: Info, collection: Collection) -> Document | None:
        """Return the changed node's document, once the read model shows the change; `None` if refused."""
        if self.changed is None:
            return None
        return await info.context.reading.get(collection, str(self.changed), await info.tokens())

    @classmethod
    def refused(cls, command_id: UUID, outcome: Refused, info: Info) -> Self:
        """Return the payload of a refused command, which may be sent again with the same id."""
        info.context.written = max(info.context.written, outcome.covered)
        receipt = Receipt.of_refused(command_id, outcome, info.context.uncached_circle().tokens)
        return cls(receipt=receipt, errors=[shown(error) for error in outcome.errors])

    @classmethod
    def accepted(cls, outcome: commands.Receipt, changed: UUID | None, info: Info) -> Self:
        """Return the payload of a command that took effect, now or when it was first sent."""
        info.context.written = max(info.context.written, outcome.covered)
        info.demand_below([Token(outcome.covered)] if outcome.covered else [])
        receipt = Receipt.of(outcome, info.context.uncached_circle().tokens)
        positions = [mark.position for mark in outcome.events]
        return cls(receipt=receipt, errors=[], changed=changed, positions=positions)


P = TypeVar("P", bound=Payload)


async def send(info: Info, payload: type[P], kinds: Sequence[str], input: CommandInput) -> P:
    """Execute the command that `input` describes, and return the payload of its mutation.

    The payload shows the aggregate of one of these `kinds`. An invalid id in the input is a refusal like any
    other, not a GraphQL error.
    """
    command_id = uuid7() if input.command_id is None else input.command_id
    sent = info.context.sent[info.path.key] = SentCommand(command_id=command_id)
    try:
        command = input.command()
    except BadInput as bad:
        return payload.refused(command_id, refused(InvalidInput(message=str(bad), path=bad.path)), info)
    outcome = await info.context.uncached_circle().commands.execute(
        command, viewer=info.context.viewer, command_id=command_id
    )
    if isinstance(outcome, Refused):
        return payload.refused(command_id, outcome, info)
    sent.accepted = True
    return payload.accepted(outcome, subject_of(command, outcome, kinds), info)


def subject_of(command: Command, receipt: commands.Receipt, kinds: Sequence[str]) -> UUID | None:
    """Return the id of the changed aggregate: from the command, or from its events if it is new."""
    for kind in kinds:
        if field := id_field(type(command), kind):
            return UUID(str(getattr(command, field)))
    streams = (mark.stream.partition("-") for mark in receipt.events)
    return next((UUID(key) for kind, _, key in streams if kind in kinds), None)
