"""Enums of the schema: made from the application's, with a description for each value."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Self

import strawberry
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition


def describe(
    kind: type[Enum], description: str, values: Mapping[str, str], *, name: str | None = None
) -> None:
    """Make `kind` an enum of the schema; `values` has the description of each member, by its name."""
    strawberry.enum(kind, name=name, description=description)
    definition: StrawberryEnumDefinition = kind.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        # A missing one is reported at the start, by `schema/completeness.py`.
        value.description = values.get(value.name)


class Named(str):
    """A value of an enum whose members are added once all contexts are imported.

    The value is the application's own name for something; clients see it in upper case.
    """

    __slots__ = ()
    __strawberry_definition__: StrawberryEnumDefinition

    def __init_subclass__(cls, *, description: str) -> None:
        super().__init_subclass__()
        wrapped: Any = cls
        cls.__strawberry_definition__ = StrawberryEnumDefinition(
            wrapped_cls=wrapped, name=cls.__name__, values=[], description=description
        )

    @classmethod
    def take(cls, values: Mapping[str, str]) -> None:
        """Replace the values of the enum by these, each with its description."""
        cls.__strawberry_definition__.values = [
            EnumValue(name=value.upper(), value=value, description=description)
            for value, description in values.items()
        ]

    @classmethod
    def all(cls) -> Sequence[Self]:
        """Return all values in the order in which they were taken."""
        return [cls(each.value) for each in cls.__strawberry_definition__.values]

    @property
    def value(self) -> str:
        """Return the application's own name, as the `value` of an `Enum` member would."""
        return str(self)

    @property
    def name(self) -> str:
        """Return the name that clients see."""
        return self.upper()
