"""The viewers who may ask for a field: how a field declares them, and how that is obeyed.

A declaration is a directive of the schema, which the SDL prints, and a sentence in the field's description,
which introspection shows. Compiled functions leave out the fields that a viewer may not ask for. graphql-core
executes these, and the guard of the field raises the error.
"""

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLField, GraphQLObjectType
from strawberry.schema.base import BaseSchema
from strawberry.schema_directive import Location
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

from app.cqrs.viewers import Sight
from app.graphql.internals.strawberry import core_schema

_DEGREES = {
    "ANONYMOUS": "All that is public.",
    "CUSTOMER": "All that is public, and all that belongs to one customer.",
    "STAFF": "Everything of the business.",
    "OPERATOR": "Everything of the business, and the service itself.",
}

strawberry.enum(Sight, description="A degree of what a viewer may see; each one includes those before it.")
_definition: StrawberryEnumDefinition = Sight.__strawberry_definition__  # type: ignore[attr-defined]
for _value in _definition.values:
    _value.description = _DEGREES[_value.name]

_WHO = {
    Sight.ANONYMOUS: "Everybody",
    Sight.CUSTOMER: "Only customers, staff and operators",
    Sight.STAFF: "Only staff and operators",
    Sight.OPERATOR: "Only operators",
}

_BY_COMMAND = {"by_command": True}
"""The metadata of a mutation that is refused by the rule of its command, and not by a guard."""

_OTHERWISE = "otherwise"
"""The key in a field's metadata of the value that viewers get who may not see the field's own."""

F = TypeVar("F")


class NotVisible(Exception):
    """A field that the viewer may not ask for, whatever it would show."""


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="visibleTo",
    description="The viewers who may ask for the field: those with this sight, and those who see more. For "
    "anybody else the field is null, with an error whose code is `FORBIDDEN`. A field that can't be null "
    "has an empty value instead, and a mutation that sends a command is refused with `NotAllowed`.",
)
class VisibleTo:
    """The directive `@visibleTo`."""

    sight: Sight = strawberry.field(description="The lowest sight with which a viewer may ask for the field.")


def visible_to(sight: Sight, *, otherwise: object = None) -> Callable[[F], F]:
    """Return a decorator that declares the lowest sight with which a viewer may ask for a field.

    A field that is no root field, and declares nothing, is for everybody who may see its object. Viewers with
    less get null and an error; `otherwise` is the empty value that they get of a field that can't be null.
    """

    def declare(field: F) -> F:
        if not isinstance(field, StrawberryField):
            raise TypeError("visible_to declares fields: put it above strawberry.field, or around it")
        field.directives = [*field.directives, VisibleTo(sight=sight)]
        said = f"{_WHO[sight]} may ask."
        if otherwise is not None:
            field.metadata = MappingProxyType({**field.metadata, _OTHERWISE: otherwise})
            said = f"{_WHO[sight]} see it; for anybody else it is empty."
        field.description = f"{field.description or ''} {said}".strip()
        return field

    return declare


def sent_by(sight: Sight) -> Callable[[F], F]:
    """Return a decorator that shows the lowest sight with which a mutation's command may be sent.

    The command's rule obeys it, which refuses the command with data.
    """

    def declare(field: F) -> F:
        assert isinstance(field, StrawberryField)
        field.directives = [*field.directives, VisibleTo(sight=sight)]
        field.metadata = MappingProxyType({**field.metadata, **_BY_COMMAND})
        return field

    return declare


def declared_sight(field: GraphQLField) -> Sight | None:
    """Return the lowest sight with which a viewer may ask for a field; `None` if it declares none."""
    declared = field.extensions.get("strawberry-definition")
    if isinstance(declared, StrawberryField):
        for directive in declared.directives:
            if isinstance(directive, VisibleTo):
                return directive.sight
    return None


def value_otherwise(field: GraphQLField) -> object:
    """Return the value of a field for viewers who may not see its own; `None` if they may not ask for it."""
    declared = field.extensions.get("strawberry-definition")
    return declared.metadata.get(_OTHERWISE) if isinstance(declared, StrawberryField) else None


class VisibleFields:
    """The fields that viewers with one sight may ask for, and the sights for which these are the same."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._met: set[Sight] = set()

    def __contains__(self, field: GraphQLField) -> bool:
        needed = declared_sight(field)
        if needed is None:
            return True
        self._met.add(needed)
        return self._sight.includes(needed)

    @property
    def sights(self) -> Iterator[Sight]:
        """The sights with which the answers about all fields so far would have been the same."""
        for sight in Sight:
            if all(sight.includes(each) == self._sight.includes(each) for each in self._met):
                yield sight


def guard_fields(schema: BaseSchema) -> None:
    """Have graphql-core refuse each field to the viewers who may not ask for it."""
    for kind in core_schema(schema).type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                needed = declared_sight(field)
                if needed not in (None, Sight.ANONYMOUS) and not _is_by_command(field):
                    _guard(field, needed)


def _is_by_command(field: GraphQLField) -> bool:
    declared = field.extensions.get("strawberry-definition")
    return isinstance(declared, StrawberryField) and _BY_COMMAND.items() <= declared.metadata.items()


def _guard(field: GraphQLField, needed: Sight) -> None:
    name = "subscribe" if field.subscribe else "resolve"
    resolve: Callable[..., Any] = getattr(field, name)
    otherwise = value_otherwise(field)

    def guarded(source: Any, info: Any, **arguments: Any) -> Any:
        if not info.context.viewer.scope.sight.includes(needed):
            if otherwise is not None:
                return otherwise
            raise NotVisible(f"{_WHO[needed]} may ask for this field. Leave it out, or send their token.")
        return resolve(source, info, **arguments)

    setattr(field, name, guarded)
