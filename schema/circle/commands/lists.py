"""The mutation that sends a list of commands: any of those that have a mutation of their own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case
from uuid_utils.compat import uuid7

from app.cqrs.commands import outcomes as commands
from app.cqrs.commands.lists import Entry
from app.cqrs.commands.outcomes import InvalidInput, Path, Refused, refused
from app.cqrs.freshness.tokens import Token
from app.cqrs.messages import Command
from app.cqrs.viewers import Sight
from app.graphql.admission.connections import COMMANDS_AT, CommandOutcomes
from app.graphql.admission.cost import MOST_COMMANDS
from app.graphql.execution.context import Info, SentCommand
from app.graphql.execution.visibility import visible_to
from schema.circle.commands.cascades import CASCADE, Cascade
from schema.circle.commands.errors import CommandError, shown
from schema.circle.commands.mutations import Sendable
from schema.circle.commands.sending import INPUT, CommandInput, subject_of
from schema.circle.consistency import Receipt, token_of
from schema.circle.ids import BadInput
from schema.circle.nodes import Node
from schema.circle.scalars import ConsistencyToken
from schema.circle.shown import collection_of, kinds_of


@strawberry.type(description="The outcome of one command of a list.")
class CommandResult:
    receipt: Receipt = strawberry.field(description="The receipt of the command.")
    errors: list[CommandError] = strawberry.field(
        description="The reasons for which the command was refused; empty if it was accepted. A command that "
        "could be carried out, and was rolled back with its list, has the error `RolledBack`."
    )
    of: strawberry.Private[type[Node] | None] = None
    subject: strawberry.Private[UUID | None] = None
    position: strawberry.Private[int] = 0
    """The position of the newest event of the whole list."""

    @strawberry.field(
        description="The object after all commands of the list; null if the command was refused. It is read "
        "for each command, so select it only if you display it."
    )
    async def changed(self, info: Info) -> Node | None:
        if self.of is None or self.subject is None:
            return None
        at_least = [Token(self.position)] if self.position else []
        found = await info.context.reading.get(collection_of(self.of), str(self.subject), at_least)
        return found and {**found, "__typename": self.of.__name__}  # type: ignore[return-value]


@strawberry.type(description="The payload of the mutation `sendCommands`.")
class SendCommandsPayload(CommandOutcomes):
    token: ConsistencyToken | None = strawberry.field(
        description="The consistency token of the whole list: a read that carries it reflects the effects of "
        "all commands, and what the others were refused by. Null if nothing had to be looked up."
    )
    results: list[CommandResult | None] = strawberry.field(
        description="The outcome of each command, in the order of the list. Null for a command that is "
        "neither accepted nor refused, because the service or its store failed: there is an error with its "
        "`commandId` then, and it may be sent again."
    )
    errors: list[CommandError] = strawberry.field(
        description="The reasons of all refused commands together, in order, without `RolledBack`; each path "
        "leads into the list. Empty if all commands were accepted."
    )
    positions: strawberry.Private[Sequence[int]] = ()
    """The positions of the events of all commands."""

    @strawberry.field(description=CASCADE.format("the commands of the list"))
    async def cascade(self, info: Info) -> Cascade | None:
        at_least = [Token(max(self.positions))] if self.positions else []
        return await Cascade.of(info, self.positions, at_least)


def list_mutation(sendable: Iterable[Sendable]) -> type:
    """Return the part of `Mutation` with the field `sendCommands`, which takes all these commands."""
    by_name = {each.name: each for each in sendable}
    input_type = _input(by_name)

    async def send_commands(info: Info, input: Any) -> Any:
        return await _send([_chosen(each, by_name) for each in input.commands], input.atomic, info)

    send_commands.__annotations__ = {
        "info": Info,
        "input": Annotated[input_type, strawberry.argument(description=INPUT)],
        "return": SendCommandsPayload | None,
    }
    field = strawberry.mutation(
        resolver=send_commands,
        metadata={COMMANDS_AT: ("input", "commands")},
        description=f"Sends up to {MOST_COMMANDS} commands, which are carried out in the order of the list, "
        "each like its own mutation: what its sender may not send is refused with `NotAllowed`, and with "
        "its `commandId` it takes effect once. If the answer is lost, send the list again: the commands that "
        "were accepted return their first receipts, and the others are carried out.",
    )
    fields = {"send_commands": visible_to(Sight.ANONYMOUS)(field)}
    return strawberry.type(type("ListMutation", (), {"__module__": __name__, **fields}))


def _input(sendable: Mapping[str, Sendable]) -> type:
    of_one = type(
        "CommandInput",
        (),
        {
            "__module__": __name__,
            "__annotations__": {name: each.input | None for name, each in sendable.items()},
            **{
                name: strawberry.field(default=strawberry.UNSET, description=each.description)
                for name, each in sendable.items()
            },
        },
    )
    one: Any = strawberry.input(
        of_one, one_of=True, description="One command of a list: exactly one field is given."
    )
    of_all = type(
        "SendCommandsInput",
        (),
        {
            "__module__": __name__,
            "__annotations__": {"commands": list[one], "atomic": bool},
            "commands": strawberry.field(
                description="The commands in the order in which they are carried out, at most "
                f"{MOST_COMMANDS}. Each one sees the effects of those before it."
            ),
            "atomic": strawberry.field(
                default=False,
                description="True if either all commands take effect or none: a single refusal rolls back "
                "all. By default a refused command does not keep those after it from being carried out.",
            ),
        },
    )
    return strawberry.input(of_all, description="The input of the mutation `sendCommands`.")


def _chosen(one: Any, sendable: Mapping[str, Sendable]) -> tuple[Sendable, CommandInput]:
    name, input = next(each for each in vars(one).items() if each[1] is not strawberry.UNSET)
    return sendable[name], input


async def _send(
    chosen: Sequence[tuple[Sendable, CommandInput]], atomic: bool, info: Info
) -> SendCommandsPayload:
    ids = [uuid7() if input.command_id is None else input.command_id for _, input in chosen]
    sent = info.context.sent[info.path.key] = [SentCommand(command_id=id) for id in ids]
    entries = [Entry(_command(input), id) for (_, input), id in zip(chosen, ids, strict=True)]
    circle = info.context.uncached_circle()
    outcomes = await circle.commands.execute_all(entries, viewer=info.context.viewer, atomic=atomic)
    decided = [each for each in outcomes if not isinstance(each, Exception)]
    newest = max(decided, key=lambda outcome: outcome.covered, default=None)
    position = newest.covered if newest else 0
    info.context.written = max(info.context.written, position)
    results, errors = list[Any](), list[CommandError]()
    for number, ((kind, _), entry, outcome) in enumerate(zip(chosen, entries, outcomes, strict=True)):
        if isinstance(outcome, commands.Receipt):
            sent[number].accepted = True
            results.append(_accepted(kind, entry.command, outcome, position, info))
        elif isinstance(outcome, Refused):
            at: Path = ("commands", number, to_camel_case(kind.name))
            reasons = [shown(error, at) for error in outcome.errors]
            receipt = Receipt.of_refused(entry.command_id, outcome, circle.tokens)
            results.append(CommandResult(receipt=receipt, errors=reasons))
            errors += [
                reason
                for error, reason in zip(outcome.errors, reasons, strict=True)
                if not isinstance(error, commands.RolledBack)
            ]
        else:
            results.append(outcome)  # which GraphQL takes for the failure of this item
    receipts = (each for each in decided if isinstance(each, commands.Receipt))
    positions = [mark.position for receipt in receipts for mark in receipt.events]
    return SendCommandsPayload(
        token=token_of(newest, circle.tokens) if newest else None,
        results=results,
        errors=errors,
        positions=positions,
    )


def _command(input: CommandInput) -> Command | Refused:
    try:
        return input.command()
    except BadInput as bad:
        return refused(InvalidInput(message=str(bad), path=bad.path))


def _accepted(
    kind: Sendable, command: Any, outcome: commands.Receipt, position: int, info: Info
) -> CommandResult:
    return CommandResult(
        receipt=Receipt.of(outcome, info.context.uncached_circle().tokens),
        errors=[],
        of=kind.shown,
        subject=subject_of(command, outcome, kinds_of(kind.shown.__name__)),
        position=position,
    )
