"""Parses what a client sent, each value once, and collects what is wrong with it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from msgspec import UNSET

from app.cqrs.commands.outcomes import InvalidInput, Path, Refused

T = TypeVar("T")

Parsers = Mapping[str, Callable[[Any], Any]]
"""How the fields of an input are checked and tidied, by their names; each raises `ValueError`."""


class Parsing:
    """The parsing of one command. Values are only to be used where `refusal` is `None` in the end."""

    def __init__(self) -> None:
        self.problems: list[InvalidInput] = []

    def value(self, path: Path | str, parse: Callable[..., T], *values: Any) -> T:
        """Return what `parse` makes of `values`; note its complaint, and that they stand at `path`."""
        try:
            return parse(*values)
        except ValueError as complaint:
            place = (path,) if isinstance(path, str) else path
            self.problems.append(InvalidInput(message=f"{_spoken(place)} {complaint}.", path=place))
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
        """All complaints so far; `None` where there are none."""
        return Refused(errors=tuple(self.problems)) if self.problems else None


def _spoken(path: Path) -> str:
    field = next((str(step) for step in reversed(path) if isinstance(step, str)), "The input")
    return field.replace("_", " ").capitalize()
