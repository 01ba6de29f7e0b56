"""Cursors: the sort key of a document as opaque text, with the order to which it belongs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

import msgspec

from app.cqrs.opaque import unwrapped, wrapped


class NotACursor(ValueError):
    """A text that `encoded` never returns."""


_STORABLE = Context(prec=34, Emin=-6143, Emax=6144, traps=[InvalidOperation, Overflow, Inexact])
"""The decimals that document stores can hold: IEEE 754's decimal128."""


def _integer(text: str) -> int:
    value = int(text)
    value.to_bytes(8, signed=True)  # This raises `OverflowError` for more than 64 bits.
    return value


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "s": str,
    "i": _integer,
    "d": _STORABLE.create_decimal,
    "t": _moment,
}
"""Parsers of values, by the tags of their types; each refuses values that a document store can't hold."""


def _tagged(value: Any) -> tuple[str, str]:
    match value:
        case str():
            return "s", value
        case datetime():
            return "t", value.replace(tzinfo=value.tzinfo or UTC).isoformat()
        case Decimal():
            return "d", str(value)
        case _:
            return "i", str(value)


def encoded(order: Sequence[str], values: Sequence[Any]) -> str:
    """Return the cursor of a document with these values, in an order."""
    return wrapped(msgspec.json.encode((order, [_tagged(value) for value in values])))


def decoded(cursor: str) -> tuple[Sequence[str], list[Any]]:
    """Return the order and the values of a cursor; raise `NotACursor`."""
    try:
        order, tagged = msgspec.json.decode(unwrapped(cursor), type=tuple[list[str], list[tuple[str, str]]])
        values = [_READERS[tag](text) for tag, text in tagged]
    except (ValueError, ArithmeticError, KeyError, msgspec.MsgspecError):
        raise NotACursor from None
    if [_tagged(value) for value in values] != tagged:
        raise NotACursor("not as it was written: Python also reads signs and the digits of other scripts")
    return order, values
