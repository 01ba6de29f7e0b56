"""Refusals of commands as clients see them: types of the schema, made from the application's refusals."""

from types import ModuleType
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from app.cqrs.commands import outcomes as commands
from app.cqrs.message_fields import description_of, fields_of, summary
from schema.circle.enums import Named
from schema.circle.ids import global_id
from schema.circle.shown import type_of


class CommandErrorCode(Named, description="The codes of the reasons for which a command can be refused."):
    """The codes of all types of `CommandError`, one for each."""


@strawberry.interface(description="A reason for which a command was refused.")
class CommandError:
    code: CommandErrorCode = strawberry.field(description="The code of the reason.")
    message: str = strawberry.field(description=description_of(commands.CommandError, "message"))
    path: list[str] = strawberry.field(
        description="The path to the offending value in the arguments of the mutation, such as "
        '`["input", "lines", "0", "quantity"]`.'
    )


@strawberry.type(description=summary(commands.NotFound))
class NotFound(CommandError):
    # Written by hand, because the missing object may be of any type.
    missing_id: strawberry.ID = strawberry.field(description="The global id that belongs to no object.")


SHOWN: dict[type[commands.CommandError], type[CommandError]] = {commands.NotFound: NotFound}
"""The types of the schema by the refusals that they show."""

_OF_EVERY = {field.name for field in fields_of(commands.CommandError)}


def show_refusals(module: ModuleType) -> None:
    """Make a type of the schema for each refusal that a module defines.

    The name, the fields and the descriptions are the refusal's; the id of an aggregate becomes a global id.
    """
    for refusal in commands.refusals_in(module):
        if refusal not in SHOWN:
            SHOWN[refusal] = _type_of(refusal)


def take_codes() -> None:
    """Fill the enum of codes, after all refusals have their types."""
    CommandErrorCode.take({refusal.code: summary(refusal) for refusal in SHOWN})


def shown(error: commands.CommandError, at: commands.Path = ()) -> CommandError:
    """Return the refusal in the form that clients see; its command is `at` a path in the input."""
    fields: dict[str, Any] = {}
    for field in fields_of(type(error)):
        value = getattr(error, field.name)
        fields[field.name] = global_id(type_of(field.id_of), value) if field.id_of else value
    if isinstance(error, commands.NotFound):
        # Not `id`, by which caches of clients would take the refusal for the node.
        fields = {name: value for name, value in fields.items() if name in _OF_EVERY}
        fields["missing_id"] = global_id(type_of(error.kind), error.id)
    steps = (*at, *error.path)
    path = ["input", *(to_camel_case(step) if isinstance(step, str) else str(step) for step in steps)]
    return SHOWN[type(error)](**{**fields, "code": CommandErrorCode(error.code), "path": path})


def _type_of(refusal: type[commands.CommandError]) -> type[CommandError]:
    own = [field for field in fields_of(refusal) if field.name not in _OF_EVERY]
    kind = type(
        refusal.__name__,
        (CommandError,),
        {
            "__module__": __name__,
            "__annotations__": {each.name: strawberry.ID if each.id_of else each.kind for each in own},
            **{each.name: strawberry.field(description=each.description) for each in own},
        },
    )
    return strawberry.type(kind, description=summary(refusal))
