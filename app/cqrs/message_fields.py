"""The fields of messages as declared: types, defaults, the aggregates they identify, and descriptions.

The schema shows commands and refusals with these descriptions, so that no field is described twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from msgspec import UnsetType

from app.cqrs.messages import Message


@dataclass(frozen=True)
class Id:
    """Marks the id of an aggregate of this kind, as in `Annotated[UUID, Id("order")]`."""

    of: str


@dataclass(frozen=True, kw_only=True)
class MessageField:
    """A field of a message, as declared."""

    name: str
    kind: Any
    """The type, without `None` and `UnsetType`."""
    id_of: str | None
    """The kind of aggregate that the field identifies."""
    description: str
    """The text beside the type; empty if there is none."""
    default: Any
    """The default value, or `dataclasses.MISSING`."""
    nullable: bool
    """True if the field may be `None`."""
    unsettable: bool
    """True if the field may be left unset, which leaves a value as it is."""

    @property
    def required(self) -> bool:
        """Return whether the field has no default."""
        return self.default is MISSING


def fields_of(message: type[Message]) -> Sequence[MessageField]:
    """Return the fields of a message type, in order."""
    hashable: Any = message
    return _fields_of(hashable)


@cache
def _fields_of(message: Any) -> Sequence[MessageField]:
    hints = get_type_hints(message, include_extras=True)
    return tuple(_field(field.name, hints[field.name], _default(field)) for field in fields(message))


def id_field(message: type[Message], kind: str) -> str | None:
    """Return the name of the field that has the id of an aggregate of this kind, or `None`."""
    return next((field.name for field in fields_of(message) if field.id_of == kind), None)


def description_of(message: Any, field: str) -> str:
    """Return the description of a field of a message, or of a dataclass that is declared like one."""
    return next(each.description for each in _fields_of(message) if each.name == field)


def summary(message: type[Message]) -> str:
    """Return the docstring of a message type on one line; empty if it has none."""
    text = " ".join((message.__doc__ or "").split())
    # `dataclass` sets the signature as docstring if there is none.
    return "" if text.startswith(f"{message.__name__}(") else text


def undescribed(message: type[Message]) -> Iterator[str]:
    """Yield an error message for each missing description; it says what to add, and to which declaration."""
    home = f"{message.__module__}.{message.__name__}"
    if not summary(message):
        yield f"{home} has no docstring, which clients read as its description: write one."
    for field in fields_of(message):
        if not field.description:
            yield (
                f"The field {field.name} of {home} has no description: write it beside the type, as in "
                'Annotated[int, "From 1 to 5."].'
            )


def _field(name: str, hint: Any, default: Any) -> MessageField:
    kind, said = (get_args(hint)[0], get_args(hint)[1:]) if get_origin(hint) is Annotated else (hint, ())
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    kinds = [option for option in options if option not in (NoneType, UnsetType)]
    id_of = next((each.of for each in said if isinstance(each, Id)), None)
    of_itself = f"The id of the {id_of}." if id_of else _DESCRIBED.get(name, "")
    description = next((each for each in said if isinstance(each, str)), of_itself)
    return MessageField(
        name=name,
        kind=kinds[0] if len(kinds) == 1 else Union[tuple(kinds)],  # noqa: UP007
        id_of=id_of,
        description=description,
        default=default,
        nullable=NoneType in options,
        unsettable=UnsetType in options,
    )


def _default(field: Any) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


_DESCRIBED = {"expected_version": "The version that the object must have."}
"""Descriptions of fields that mean the same in every command."""
