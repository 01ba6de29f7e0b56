"""Conditions and arguments that each have the right type, and can't be meant all the same."""

from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from app.graphql.execution.refusals import BadArgument
from app.graphql.execution.written import shown_datetime

T = TypeVar("T", date, datetime, Decimal)


def refuse_reversed(names: tuple[str, str], lowest: T | None, highest: T | None) -> None:
    """Refuse a range that ends before it begins: nothing lies in it, whatever the documents hold."""
    if lowest is not None and highest is not None and lowest > highest:
        first, last = names
        raise BadArgument(
            f"{first} is {_shown(lowest)}, which is beyond {last}, {_shown(highest)}. "
            "Exchange them, or leave one of them out."
        )


def _shown(value: date | Decimal) -> str:
    match value:
        case datetime():
            return shown_datetime(value)
        case Decimal():
            return f"{value:f}"
    return str(value)
