"""Values are parsed once, and all complaints about an input are collected."""

from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from app.cqrs.commands.parsing import Parsers, Parsing


@dataclass(frozen=True, kw_only=True)
class Seat:
    row: int
    guest: str | UnsetType = UNSET


def _row(number: int) -> int:
    if number < 1:
        raise ValueError("must be at least 1")
    return number - 1


SEAT: Parsers = {"row": _row, "guest": str.strip}


def test_fields_that_are_set_are_parsed_and_the_others_left_out() -> None:
    parsing = Parsing()
    assert parsing.fields(Seat(row=3, guest=" Ada "), SEAT) == {"row": 2, "guest": "Ada"}
    assert parsing.fields(Seat(row=1), SEAT) == {"row": 0}
    assert parsing.refusal is None


def test_every_complaint_says_which_value_it_is_about() -> None:
    parsing = Parsing()
    parsing.fields(Seat(row=0), SEAT, ("seats", 2))
    parsing.value("front_row", _row, -1)
    assert parsing.refusal
    assert [(each.path, each.message) for each in parsing.refusal.errors] == [
        (("seats", 2, "row"), "Row must be at least 1."),
        (("front_row",), "Front row must be at least 1."),
    ]


def test_each_value_is_parsed_once() -> None:
    seen: list[int] = []
    Parsing().fields(Seat(row=3), {"row": seen.append})
    assert seen == [3]
