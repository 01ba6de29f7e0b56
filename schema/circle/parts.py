"""The parts of the schema: each module declares as its `PART` what it adds to the root types."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import strawberry
from strawberry.types.base import get_object_definition

from schema.circle.commands.errors import show_refusals


@dataclass(frozen=True, kw_only=True)
class Part:
    """The fields that a module adds to the root types, and the module of the refusals that it shows."""

    query: type | None = None
    mutation: type | None = None
    subscription: type | None = None
    refusals: ModuleType | None = None


def parts_in(package: str, *names: str) -> Sequence[Part]:
    """Return the parts of these modules of a package, in order, after declaring their refusals."""
    parts: list[Part] = [import_module(f"{package}.{name}").PART for name in names]
    for part in parts:
        if part.refusals:
            show_refusals(part.refusals)
    return parts


def assembled(name: str, description: str, parts: Sequence[type | None]) -> type:
    """Return the root type with the fields of these parts, in order; raise `ValueError` for a duplicate."""
    bases = tuple(part for part in parts if part)
    known: dict[str, type] = {}
    for base in bases:
        for field in get_object_definition(base, strict=True).fields:
            if field.python_name in known:
                raise ValueError(
                    f"{name}.{field.python_name} is declared twice, by "
                    f"{known[field.python_name].__name__} and {base.__name__}: rename one"
                )
            known[field.python_name] = base
    return strawberry.type(type(name, bases, {"__module__": __name__}), description=description)
