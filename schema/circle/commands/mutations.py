"""Mutations that are derived from commands: their names, inputs, payloads and descriptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from app.cqrs.commands.rules import NOBODY, Rule, Rules
from app.cqrs.message_fields import summary
from app.cqrs.messages import Command
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import sent_by
from schema.circle.commands.inputs import derived_input
from schema.circle.commands.payloads import Lists, payload_for, snake
from schema.circle.commands.sending import INPUT, CommandInput, send
from schema.circle.nodes import Node
from schema.circle.shown import kinds_of


@dataclass(frozen=True, kw_only=True)
class Sendable:
    """A command that clients can send, alone or in a list."""

    command: type[Command]
    name: str
    """The name of its mutation, in snake case."""
    input: type[CommandInput]
    shown: type[Node]
    """The type of the node that it changes."""
    rule: Rule

    @property
    def description(self) -> str:
        """The description of its mutation, which says who may send it."""
        return f"{summary(self.command)} {self.rule}"


_SENDABLE: dict[type, Sequence[Sendable]] = {}
"""The commands of each part of `Mutation` that was made of commands."""


def mutations(
    shown: type[Node],
    *commands: type[Command],
    rules: Rules,
    inputs: Mapping[type[Command], type[CommandInput]] | None = None,
    lists: Lists | None = None,
) -> type:
    """Return a part of `Mutation` with one field for each command; its payload shows the changed node.

    The payload also shows the node as each type in `lists`, and as an edge of the list of that type.

    `PayOrder` becomes the field `payOrder`, which takes a `PayOrderInput` and returns a `PayOrderPayload`.
    The input is derived from the command, unless `inputs` has one that is written by hand. The descriptions
    say what the rules are about the senders.
    """
    written = inputs or {}
    sendable = [
        _sendable(shown, command, written.get(command), rules.get(command, NOBODY)) for command in commands
    ]
    fields = {each.name: _mutation(each, lists or {}) for each in sendable}
    part = strawberry.type(type(f"{shown.__name__}Mutation", (), {"__module__": __name__, **fields}))
    _SENDABLE[part] = sendable
    return part


def sendable_in(part: type | None) -> Sequence[Sendable]:
    """Return the commands that a part of `Mutation` sends; none if `mutations` did not make it."""
    return _SENDABLE.get(part, ()) if part else ()


def _sendable(
    shown: type[Node], command: type[Command], written: type[CommandInput] | None, rule: Rule
) -> Sendable:
    if written and written.command is CommandInput.command:
        raise TypeError(f"{written.__name__} describes no command: give it a method `command`.")
    name = snake(command.__name__)
    input_type = written or derived_input(command, to_camel_case(name))
    return Sendable(command=command, name=name, input=input_type, shown=shown, rule=rule)


def _mutation(sendable: Sendable, lists: Lists) -> Any:
    shown, input_type, rule = sendable.shown, sendable.input, sendable.rule
    payload = payload_for(sendable.command, to_camel_case(sendable.name), shown, lists)
    kinds = kinds_of(shown.__name__)

    async def resolve(info: Info, input: Any) -> Any:
        return await send(info, payload, kinds, input)

    resolve.__annotations__ = {
        "info": Info,
        "input": Annotated[input_type, strawberry.argument(description=INPUT)],
        "return": payload | None,
    }
    field = strawberry.mutation(resolver=resolve, description=sendable.description)
    return sent_by(rule.by)(field) if rule.by else field
