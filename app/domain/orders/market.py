"""The data of other contexts that the rules of orders need."""

from typing import Protocol

from app.cqrs.commands.outcomes import CommandError
from app.values import Money, PostalAddress, Sku


class Offer(Protocol):
    """A product with its current price."""

    @property
    def sku(self) -> Sku:
        """The stock keeping unit."""

    @property
    def title(self) -> str:
        """The product's name."""

    @property
    def category(self) -> str:
        """The product's category."""

    @property
    def packaging(self) -> str:
        """The packaging of one unit."""

    @property
    def unit_price(self) -> Money:
        """The price of one unit."""

    @property
    def objection(self) -> CommandError | None:
        """The reason why the product can't be ordered, if there is one."""


class Buyer(Protocol):
    """A customer with their current details."""

    @property
    def name(self) -> str:
        """The customer's name."""

    @property
    def company(self) -> str | None:
        """The customer's company."""

    @property
    def address(self) -> PostalAddress | None:
        """The default shipping address."""

    @property
    def objection(self) -> CommandError | None:
        """The reason why the customer can't order, if there is one."""
