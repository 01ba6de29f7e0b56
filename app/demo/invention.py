"""The invented goods and customers of the demo shop."""

import csv
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.values import PostalAddress

_HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Good:
    """A product without an SKU."""

    category: str
    name: str
    price: str
    packaging: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """A customer without a phone number."""

    name: str
    mailbox: str
    address: PostalAddress


@dataclass(frozen=True, kw_only=True)
class Country:
    """A country with its given and family names, addresses, phone numbers, and one company."""

    name: str
    given: str
    family: str
    addresses: tuple[dict[str, Any], ...]
    phone: str
    company: str
    full_name: str = "{given} {family}"

    def person(self, number: int, house: int) -> Person:
        """Return a person by number; 16 successive ones have different names."""
        given, family = _names(self.given), _names(self.family)
        first, first_spelled = given[number % len(given)]
        last, last_spelled = family[(number + number // len(given)) % len(family)]
        address = self.addresses[number % len(self.addresses)]
        return Person(
            name=self.full_name.format(given=first, family=last),
            mailbox=f"{first_spelled}.{last_spelled}",
            address=PostalAddress(
                **{**address, "street": address["street"].format(n=house), "country": self.name}
            ),
        )


@cache
def goods() -> tuple[Good, ...]:
    """Return all goods, ordered so that categories alternate."""
    with (_HERE / "goods.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Good(**row) for row in csv.DictReader(file))


@cache
def countries() -> tuple[Country, ...]:
    """Return the countries of the shop's customers."""
    with (_HERE / "people.toml").open("rb") as file:
        return tuple(Country(**country) for country in tomllib.load(file)["countries"])


@cache
def _names(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (name.partition("=") for name in text.split())
    return tuple((name.replace("_", " "), spelled or name.lower()) for name, _, spelled in pairs)
