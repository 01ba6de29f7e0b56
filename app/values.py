"""The shared kernel: the few values that mean the same in every part of the shop.

Each parser raises `ValueError` with a message that a client can act on.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NewType, Self

CURRENCY = "USD"
"""The ISO 4217 code of the shop's only currency; amounts of several could not be added up."""

CENT = Decimal("0.01")
HIGHEST_PRICE = Decimal("9999999.99")
MOST_UNITS = 1_000_000

Sku = NewType("Sku", str)
Quantity = NewType("Quantity", int)

_SKU = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,39}", re.ASCII | re.IGNORECASE)
_BLANK = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\u2060\ufeff"
"""White space, and characters without width that are often pasted along with text."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DOT = re.compile("[.\u3002\uff0e\uff61]")
"""The dots of several scripts, all of which separate the labels of a domain."""


@dataclass(frozen=True, order=True)
class Money:
    """An exact amount of whole cents in the shop's currency."""

    amount: Decimal
    currency_code: str = CURRENCY

    def __post_init__(self) -> None:
        if not self.amount.is_finite():
            raise ValueError(f"must be a number; it is {self.amount}")
        if self.amount != self.amount.quantize(CENT):
            raise ValueError(f"must have at most 2 decimals; it is {self.amount}")
        object.__setattr__(self, "amount", self.amount.quantize(CENT) + 0)  # there is no -0.00

    @classmethod
    def rounded(cls, amount: Decimal) -> Self:
        """Return `amount`, rounded half-even to cents."""
        return cls(amount.quantize(CENT, rounding=ROUND_HALF_EVEN))

    @classmethod
    def from_cents(cls, cents: int) -> Self:
        """Return an amount of `cents`, which is the form in the write store."""
        return cls(Decimal(cents) * CENT)

    @property
    def cents(self) -> int:
        """The amount in whole cents."""
        return int(self.amount / CENT)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + other.amount)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency_code}"


ZERO = Money(Decimal(0))


def price(amount: Decimal, currency_code: str = CURRENCY) -> Money:
    """Return a price or fee from 0 to 9,999,999.99 with at most 2 decimals, in the shop's currency."""
    if currency_code != CURRENCY:
        raise ValueError(f"must be in {CURRENCY}, the shop's currency; it is in {currency_code}")
    if not amount.is_finite() or not 0 <= amount <= HIGHEST_PRICE:
        raise ValueError(f"must be between 0 and {HIGHEST_PRICE}; it is {amount}")
    return Money(amount)


def quantity(units: int) -> Quantity:
    """Return a number of ordered or delivered units from 1 to 1,000,000."""
    if not 1 <= units <= MOST_UNITS:
        raise ValueError(f"must be between 1 and {MOST_UNITS}; it is {units}")
    return Quantity(units)


def sku(code: str) -> Sku:
    """Return a stock keeping unit in upper case: 1 to 40 letters, digits and `. _ / -`."""
    code = code.strip()
    if not _SKU.fullmatch(code):
        raise ValueError(
            "must be 1 to 40 letters, digits or any of . _ / -, and start with a letter or digit"
        )
    return Sku(code.upper())


def discount(share: Decimal) -> Decimal:
    """Return a discount as a share of the price, from 0 to 1 with at most 4 decimals."""
    if not share.is_finite() or not 0 <= share <= 1:
        raise ValueError(f"must be between 0 and 1; it is {share}")
    if share != share.quantize(Decimal("0.0001")):
        raise ValueError(f"must have at most 4 decimals; it is {share}")
    return share.normalize() + 0


def text(at_most: int, *, at_least: int = 0) -> Callable[[str], str]:
    """Return a parser of text of `at_least` to `at_most` characters in any script.

    The parser removes surrounding white space and refuses control characters.
    """

    def parse(value: str) -> str:
        value = value.strip(_BLANK)
        if len(value) < at_least:
            raise ValueError("must not be empty")
        if len(value) > at_most:
            raise ValueError(f"must be at most {at_most} characters; it has {len(value)}")
        if found := _CONTROL.search(value):
            character = f"character {found.start() + 1} is U+{ord(found[0]):04X}"
            raise ValueError(f"must not contain control characters; {character}")
        return value

    return parse


def optional(parse: Callable[[str], str]) -> Callable[[str | None], str | None]:
    """Return a parser that gives `None` for missing or blank text, and else calls `parse`."""

    def parse_given(value: str | None) -> str | None:
        return parse(value) if value and value.strip(_BLANK) else None

    return parse_given


def email(given: str) -> str:
    """Return an e-mail address without surrounding space; raise `ValueError` if it is not well-formed."""
    given = text(254)(given)
    if not _EMAIL.fullmatch(given):
        raise ValueError("must look like name@example.com")
    return given


def email_key(given: object) -> str | None:
    """Return the form in which an e-mail address is compared, or `None` if it is not well-formed.

    The form ignores case, and is the same for a domain in Unicode and in ASCII, such as `bücher.example` and
    `xn--bcher-kva.example`.
    """
    try:
        local, _, domain = email(given).rpartition("@") if isinstance(given, str) else ("", "", "")
    except ValueError:
        return None
    if not local:
        return None
    labels = [unicodedata.normalize("NFKC", _in_unicode(label)) for label in _DOT.split(domain)]
    return unicodedata.normalize("NFC", f"{local}@{'.'.join(labels)}".lower())


def _in_unicode(label: str) -> str:
    """Return a domain's label decoded from Punycode, or unchanged if it is not valid Punycode."""
    if label[:4].lower() != "xn--":
        return label
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except ValueError:
        return label
    return decoded if decoded and decoded.isprintable() else label


@dataclass(frozen=True, kw_only=True)
class PostalAddress:
    """A postal address, which is personal data if it belongs to a person."""

    street: str
    city: str
    country: str
    region: str | None = None
    postal_code: str | None = None
    recipient: str | None = None
    """The recipient's name, if that is not the customer."""


ADDRESS: Mapping[str, Callable[[Any], str | None]] = {
    "street": text(500, at_least=1),
    "city": text(200, at_least=1),
    "country": text(100, at_least=1),
    "region": optional(text(100)),
    "postal_code": optional(text(30)),
    "recipient": optional(text(200)),
}
"""The parsers of a postal address, by field."""
