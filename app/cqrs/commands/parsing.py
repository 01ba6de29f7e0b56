"""Parsing of a client's input: each value once, with all errors collected."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from msgspec import UNSET

from app.cqrs.commands.outcomes import InvalidInput, Path, Refused

T = TypeVar("T")

Parsers = Mapping[str, Callable[[Any], Any]]
"""Functions that check and normalize the fields of an input, by field name; each may raise `ValueError`."""


class Parsing:
    """The parsing of one command. Use its values only if `refusal` is `None` in the end."""

    def __init__(self) -> None:
        self.problems: list[InvalidInput] = []

    def value(self, path: Path | str, parse: Callable[..., T], *values: Any) -> T:
        """Return the result of `parse` for `values`; record its `ValueError` as a problem at `path`."""
        try:
            return parse(*values)
        except ValueError as error:
            full_path = (path,) if isinstance(path, str) else path
            self.problems.append(InvalidInput(message=f"{label(full_path)} {error}.", path=full_path))
        return cast("T", None)

    def fields(self, input: object, parsers: Parsers, path: Path = ()) -> dict[str, Any]:
        """Return the fields of `input` that are set, parsed, by their names; `path` leads to `input`."""
        given = {field: getattr(input, field) for field in parsers}
        return {
            field: self.value((*path, field), parsers[field], value)
            for field, value in given.items()
            if value is not UNSET
        }

    @property
    def refusal(self) -> Refused | None:
        """The refusal with all problems so far; `None` if there are none."""
        return Refused(errors=tuple(self.problems)) if self.problems else None


def label(path: Path) -> str:
    """Return the name of the field at `path`, as a message begins with it."""
    field = next((str(step) for step in reversed(path) if isinstance(step, str)), "The input")
    return field.replace("_", " ").capitalize()
