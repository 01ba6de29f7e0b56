"""What the demo shop sells and who buys it: all of it invented, for slow evenings and rainy Sundays."""

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
    """Something to sell, before it gets an SKU."""

    category: str
    name: str
    price: str
    packaging: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone who buys, before they get a telephone."""

    name: str
    mailbox: str
    address: PostalAddress


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where customers live, how they are called there, and the company that some of them work for."""

    country: str
    given: str
    family: str
    addresses: tuple[dict[str, Any], ...]
    phone: str
    company: str
    full_name: str = "{given} {family}"

    def person(self, number: int, house: int) -> Person:
        """One of the people here; 16 in a row have different names."""
        given, family = _names(self.given), _names(self.family)
        first, first_spelled = given[number % len(given)]
        last, last_spelled = family[(number + number // len(given)) % len(family)]
        address = self.addresses[number % len(self.addresses)]
        return Person(
            name=self.full_name.format(given=first, family=last),
            mailbox=f"{first_spelled}.{last_spelled}",
            address=PostalAddress(
                **{**address, "street": address["street"].format(n=house), "country": self.country}
            ),
        )


@cache
def goods() -> tuple[Good, ...]:
    """All that the shop has ever sold, the categories taking turns."""
    with (_HERE / "goods.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Good(**row) for row in csv.DictReader(file))


@cache
def places() -> tuple[Place, ...]:
    """Everywhere that the shop sends parcels."""
    with (_HERE / "people.toml").open("rb") as file:
        return tuple(Place(**place) for place in tomllib.load(file)["places"])


@cache
def _names(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (name.partition("=") for name in text.split())
    return tuple((name.replace("_", " "), spelled or name.lower()) for name, _, spelled in pairs)
