"""Why a command was refused, as data that a client can act on."""

from types import ModuleType
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from app.cqrs.commands import outcomes as commands
from app.cqrs.message_fields import fields_of, summary
from schema.circle.enums import Named
from schema.circle.ids import global_id
from schema.circle.shown import type_of


class CommandErrorCode(Named, description="The kinds of refusals."):
    """One for each type of `CommandError`."""


@strawberry.interface(description="A reason why a command was refused.")
class CommandError:
    """What every refusal says."""

    code: CommandErrorCode = strawberry.field(description="What kind of reason it is.")
    message: str = strawberry.field(description="The reason in a sentence, for people.")
    path: list[str] = strawberry.field(description="Where in the mutation's arguments the trouble is.")


@strawberry.type(description=summary(commands.NotFound))
class NotFound(CommandError):
    """Written out, for what is missing may be of any type."""

    missing_id: strawberry.ID = strawberry.field(description="The id that leads nowhere.")


SHOWN: dict[type[commands.CommandError], type[CommandError]] = {commands.NotFound: NotFound}
"""How each refusal is shown."""

_OF_EVERY = {field.name for field in fields_of(commands.CommandError)}


def show_refusals(module: ModuleType) -> None:
    """Make a type of the schema for each refusal that a module defines; an id becomes a node's global id.

    Its name, its fields and all descriptions are the refusal's own.
    """
    for refusal in commands.refusals_in(module):
        if refusal not in SHOWN:
            SHOWN[refusal] = _type_of(refusal)


def take_codes() -> None:
    """Complete the enum of codes, once all refusals are shown."""
    CommandErrorCode.take({refusal.code: summary(refusal) for refusal in SHOWN})


def shown(error: commands.CommandError) -> CommandError:
    """The refusal as clients see it."""
    fields: dict[str, Any] = {}
    for field in fields_of(type(error)):
        value = getattr(error, field.name)
        fields[field.name] = global_id(type_of(field.id_of), value) if field.id_of else value
    if isinstance(error, commands.NotFound):
        # Not `id`: caches would take the refusal for the node.
        fields = {name: value for name, value in fields.items() if name in _OF_EVERY}
        fields["missing_id"] = global_id(type_of(error.kind), error.id)
    path = ["input", *(to_camel_case(step) if isinstance(step, str) else str(step) for step in error.path)]
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
