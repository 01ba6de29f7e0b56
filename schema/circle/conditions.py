"""Parts that the filters and orders of all lists share: descriptions, and a check of ranges."""

from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from app.graphql.execution.json_values import datetime_text
from app.graphql.execution.refusals import BadArgument

MATCH_ALL = "All conditions that are given must be met."
SEARCH = (
    "Words to find in {}. Each may be the beginning of a word, and all of them must occur. Case and accents "
    "do not count, nor do apostrophes. A word of five letters or more that occurs nowhere also finds those "
    "that differ by one letter. Text without a word, such as `!`, matches nothing."
)
RELEVANCE = (
    "The relevance in a search, with `ASC` for the best first: {}, then whole words before beginnings of "
    "words, and among each of these {} before other fields. Equal ones are sorted by name, as are all "
    "without a search."
)
ORDER_FIELD = "The value to sort by."
ORDER_DIRECTION = "The direction of the sort order."

T = TypeVar("T", date, datetime, Decimal)


def refuse_reversed(names: tuple[str, str], lowest: T | None, highest: T | None) -> None:
    """Raise `BadArgument` for a range that ends before it begins, because nothing can lie in it."""
    if lowest is not None and highest is not None and lowest > highest:
        first, last = names
        raise BadArgument(
            f"{first} is {_shown(lowest)}, which is beyond {last}, {_shown(highest)}. "
            "Exchange them, or leave one of them out."
        )


def refuse_all_but_one(names: tuple[str, str], one: object, other: object) -> None:
    """Raise `BadArgument` unless exactly one of two values is given by which an object is looked up."""
    if (one is None) is (other is None):
        first, last = names
        given = f"Neither {first} nor {last} is" if one is None else f"Both {first} and {last} are"
        raise BadArgument(f"{given} given. Send exactly one of them.")


def _shown(value: date | Decimal) -> str:
    match value:
        case datetime():
            return datetime_text(value)
        case Decimal():
            return f"{value:f}"
    return str(value)
