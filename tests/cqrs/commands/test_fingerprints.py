"""A command is the same before and after a deployment that adds an optional field to it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec import UNSET, UnsetType

from app.cqrs.commands.fingerprints import fingerprint, former_fingerprint
from app.cqrs.messages import Command
from app.domain.orders.commands import LineRequest, PlaceOrder

PAGE = UUID(int=1)


def deployed(**added: Any) -> type[Any]:
    """The command `Mark` of a version of the program, which has these optional fields beside the required."""
    bases, names = (Command,), {"__module__": __name__}
    annotations = {"page": UUID, "lines": tuple, **dict.fromkeys(added, Any)}
    return type("Mark", bases, {**names, "__annotations__": annotations, **added})


@dataclass(frozen=True, kw_only=True)
class Line:
    text: str


@dataclass(frozen=True, kw_only=True)
class ColouredLine:
    colour: str = "black"
    text: str
    tags: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)


BEFORE = deployed(note=UNSET)(page=PAGE, lines=(Line(text="a"), Line(text="b")))


@pytest.mark.parametrize(
    "after",
    [
        deployed(note=UNSET, price=Decimal(0)),
        deployed(price=Decimal(0), currency="USD", note=UNSET),
        deployed(note=UNSET, shared=None, at=UNSET, read=False, weight=0, reason=""),
    ],
    ids=["at the end", "in front", "of all kinds"],
)
def test_an_optional_field_that_is_added_changes_nothing(after: type[Any]) -> None:
    assert fingerprint(after(page=PAGE, lines=BEFORE.lines)) == fingerprint(BEFORE)


def test_an_optional_field_that_is_added_to_a_value_within_changes_nothing() -> None:
    lines = tuple(ColouredLine(text=line.text) for line in BEFORE.lines)
    assert fingerprint(type(BEFORE)(page=PAGE, lines=lines)) == fingerprint(BEFORE)
    lines = (ColouredLine(text="a"), ColouredLine(text="b", colour="red"))
    assert fingerprint(type(BEFORE)(page=PAGE, lines=lines)) != fingerprint(BEFORE)


class Turn(Command):
    page: int | str = 1
    price: Decimal = Decimal(0)
    read: bool | int = False
    note: str | UnsetType | None = UNSET
    at: datetime | None = None
    more: dict[str, Any] = field(default_factory=dict)
    lines: tuple[Any, ...] = ()


def test_every_difference_in_what_is_asked_makes_another_fingerprint() -> None:
    at = datetime(2026, 1, 31, tzinfo=UTC)
    asked = [
        Turn(),
        Turn(page=2),
        Turn(page="1"),
        Turn(price=Decimal(1)),
        Turn(price=Decimal("1.0")),
        Turn(read=True),
        Turn(read=0),
        Turn(note=None),
        Turn(note=""),
        Turn(note="\ud800"),
        Turn(at=at),
        Turn(more={"a": None}),
        Turn(more={"a": Turn(page=2)}),
        Turn(more={"a": Turn(page=3)}),
        Turn(lines=(Turn(),)),
        Turn(lines=(Turn(), Turn())),
        Turn(lines=(Turn(page=2), Turn())),
        Turn(lines=(Turn(), Turn(page=2))),
        Turn(lines=("",)),
    ]
    assert len({fingerprint(each) for each in asked}) == len(asked)


def test_what_is_given_as_the_default_is_the_same_as_what_is_left_out() -> None:
    given = Turn(page=1, price=Decimal("0.00"), read=False, note=UNSET, at=None, more={}, lines=())
    assert fingerprint(given) == fingerprint(Turn())


class Turned(Turn):
    """Has the same fields."""


def test_commands_of_different_names_are_told_apart() -> None:
    assert fingerprint(Turned()) != fingerprint(Turn())


def test_the_former_fingerprint_is_what_stores_have() -> None:
    lines = (
        LineRequest(product_id=UUID(int=2), quantity=3),
        LineRequest(product_id=UUID(int=3), quantity=1, discount=Decimal("0.15")),
    )
    order = PlaceOrder(customer_id=UUID(int=1), lines=lines)
    assert former_fingerprint(order) == "862aaaef282cd815065b4a7984afab80d7409c91ffeadf138532ad3d7cc52b8f"
