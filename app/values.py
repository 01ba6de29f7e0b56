"""The shared kernel: the few values that every part of the shop means alike.

Each parser raises `ValueError` with a sentence that a customer can act on.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NewType, Self

CURRENCY = "USD"
"""One shop, one currency: sums over orders mean something. ISO 4217."""

CENT = Decimal("0.01")
HIGHEST_PRICE = Decimal("9999999.99")
MOST_UNITS = 1_000_000

Sku = NewType("Sku", str)
Quantity = NewType("Quantity", int)

_SKU = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,39}", re.ASCII | re.IGNORECASE)
_BLANK = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\u2060\ufeff"
"""White space, and the characters of no width that are pasted along with text."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, order=True)
class Money:
    """An exact amount in the shop's currency, in whole cents."""

    amount: Decimal
    currency_code: str = CURRENCY

    def __post_init__(self) -> None:
        if not self.amount.is_finite():
            raise ValueError("must be a number")
        if self.amount != self.amount.quantize(CENT):
            raise ValueError("must have at most 2 decimals")
        object.__setattr__(self, "amount", self.amount.quantize(CENT) + 0)  # there is no -0.00

    @classmethod
    def rounded(cls, amount: Decimal) -> Self:
        """`amount` rounded half-even to cents."""
        return cls(amount.quantize(CENT, rounding=ROUND_HALF_EVEN))

    @classmethod
    def from_cents(cls, cents: int) -> Self:
        """Money of so many cents, as the write store keeps it."""
        return cls(Decimal(cents) * CENT)

    @property
    def cents(self) -> int:
        """The same amount in whole cents."""
        return int(self.amount / CENT)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + other.amount)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency_code}"


ZERO = Money(Decimal(0))


def price(amount: Decimal, currency_code: str = CURRENCY) -> Money:
    """A price or fee: from 0 to 9,999,999.99, at most 2 decimals, in the shop's currency."""
    if currency_code != CURRENCY:
        raise ValueError(f"must be in {CURRENCY}, the shop's currency")
    if not amount.is_finite() or not 0 <= amount <= HIGHEST_PRICE:
        raise ValueError(f"must be between 0 and {HIGHEST_PRICE}")
    return Money(amount)


def quantity(units: int) -> Quantity:
    """A number of units that someone orders or delivers: from 1 to 1,000,000."""
    if not 1 <= units <= MOST_UNITS:
        raise ValueError(f"must be between 1 and {MOST_UNITS}")
    return Quantity(units)


def sku(code: str) -> Sku:
    """A stock keeping unit: upper case, up to 40 of letters, digits and `. _ / -`."""
    code = code.strip()
    if not _SKU.fullmatch(code):
        raise ValueError(
            "must be 1 to 40 letters, digits or any of . _ / -, and start with a letter or digit"
        )
    return Sku(code.upper())


def discount(share: Decimal) -> Decimal:
    """The share taken off a line: from 0 to 1, at most 4 decimals."""
    if not share.is_finite() or not 0 <= share <= 1:
        raise ValueError("must be between 0 and 1")
    if share != share.quantize(Decimal("0.0001")):
        raise ValueError("must have at most 4 decimals")
    return share.normalize() + 0


def text(at_most: int, *, at_least: int = 0) -> Callable[[str], str]:
    """A parser of trimmed text of `at_least` to `at_most` characters; any script, no control characters."""

    def parse(value: str) -> str:
        value = value.strip(_BLANK)
        if len(value) < at_least:
            raise ValueError("must not be empty")
        if len(value) > at_most:
            raise ValueError(f"must be at most {at_most} characters; it has {len(value)}")
        if _CONTROL.search(value):
            raise ValueError("must not contain control characters")
        return value

    return parse


def optional(parse: Callable[[str], str]) -> Callable[[str | None], str | None]:
    """A parser of text that may be missing: blank text is no text."""

    def parse_given(value: str | None) -> str | None:
        return parse(value) if value and value.strip(_BLANK) else None

    return parse_given


@dataclass(frozen=True, kw_only=True)
class PostalAddress:
    """Where a parcel goes. Personal data wherever it belongs to a person."""

    street: str
    city: str
    country: str
    region: str | None = None
    postal_code: str | None = None
    recipient: str | None = None
    """Who receives it, where that is not the customer."""


ADDRESS: Mapping[str, Callable[[Any], str | None]] = {
    "street": text(500, at_least=1),
    "city": text(200, at_least=1),
    "country": text(100, at_least=1),
    "region": optional(text(100)),
    "postal_code": optional(text(30)),
    "recipient": optional(text(200)),
}
"""The parsers of a postal address, by field."""
