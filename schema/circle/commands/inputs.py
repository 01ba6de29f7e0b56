"""Input types that are derived from commands, with their fields, defaults and descriptions."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

import strawberry
from msgspec import UNSET

from app.cqrs.message_fields import MessageField, fields_of
from app.cqrs.messages import Command
from schema.circle.commands.sending import ChangeInput, CommandInput
from schema.circle.ids import BadInput, key_of
from schema.circle.shown import type_of

_VALUES: dict[type, type] = {}

_OF_EVERY_CHANGE = "expected_version"


def input_for(value: type) -> Callable[[type], type]:
    """Declare the input type for values of this type in commands; its method `value` makes them."""

    def declare(kind: type) -> type:
        _VALUES[value] = kind
        return kind

    return declare


def derived_input(command: type[Command], mutation: str) -> type[CommandInput]:
    """Return the input type of the mutation that sends a command."""
    fields = {field.name: field for field in fields_of(command)}
    changes = fields.pop(_OF_EVERY_CHANGE, None)

    def made(self: Any) -> Command:
        given = {name: _given(field, getattr(self, name)) for name, field in fields.items()}
        if changes:
            given[_OF_EVERY_CHANGE] = self.expected_version
        return command(**given)

    kind = type(
        f"{command.__name__}Input",
        (ChangeInput if changes else CommandInput,),
        {
            "__module__": __name__,
            "__annotations__": {name: _annotation(field) for name, field in fields.items()},
            **{name: _declared(field) for name, field in fields.items()},
            "command": made,
        },
    )
    return strawberry.input(
        kind, description=f"The input of the mutation `{mutation}`.{_on_leaving_out(fields)}"
    )


def _on_leaving_out(fields: Mapping[str, MessageField]) -> str:
    if any(field.unsettable for field in fields.values()):
        return " A field that is omitted keeps its value; null removes the value."
    return ""


def _annotation(field: MessageField) -> Any:
    kind = strawberry.ID if field.id_of else _VALUES.get(field.kind, field.kind)
    return kind | None if field.nullable or field.unsettable else kind


def _declared(field: MessageField) -> Any:
    if field.default is MISSING:
        return strawberry.field(description=field.description)
    default = strawberry.UNSET if field.default is UNSET else field.default
    return strawberry.field(description=field.description, default=default)


def _given(field: MessageField, value: Any) -> Any:
    """Return the value for the command; raise `BadInput` for null where a value is required."""
    if value is strawberry.UNSET:
        return UNSET
    if value is None and not field.nullable:
        if field.kind is str:
            return ""  # The command decides whether the text may be empty.
        name = field.name.replace("_", " ")
        raise BadInput(f"{name.capitalize()} can't be removed. Leave it out, or send a value.", (field.name,))
    if value is None:
        return None
    if field.id_of:
        return key_of(type_of(field.id_of), value, (field.name,))
    return value.value() if field.kind in _VALUES else value
