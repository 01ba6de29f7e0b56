"""What an order must know of the rest of the shop."""

from typing import Protocol

from app.cqrs.commands.outcomes import CommandError
from app.values import Money, PostalAddress, Sku


class Offer(Protocol):
    """A product at this moment."""

    @property
    def sku(self) -> Sku:
        """Its stock keeping unit."""

    @property
    def title(self) -> str:
        """What it is called."""

    @property
    def category(self) -> str:
        """Where it is found."""

    @property
    def packaging(self) -> str:
        """How one unit comes."""

    @property
    def unit_price(self) -> Money:
        """What one unit costs."""

    @property
    def objection(self) -> CommandError | None:
        """Why it can't be ordered, if it can't."""


class Buyer(Protocol):
    """A customer at this moment."""

    @property
    def name(self) -> str:
        """Who it is."""

    @property
    def company(self) -> str | None:
        """Where they work."""

    @property
    def address(self) -> PostalAddress | None:
        """Where their orders go unless told otherwise."""

    @property
    def objection(self) -> CommandError | None:
        """Why they can't order, if they can't."""
