"""Enums as clients see them: the application's own, with a description for each value."""

from collections.abc import Mapping
from enum import Enum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition


def describe(
    kind: type[Enum], description: str, values: Mapping[str, str], *, name: str | None = None
) -> None:
    """Makes `kind` an enum of the schema; `values` has the description of each member, by its name."""
    strawberry.enum(kind, name=name, description=description)
    definition: StrawberryEnumDefinition = kind.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values.get(value.name)  # One that is missing is found at the start.
