"""Amounts and addresses: the values that several types show."""

from decimal import Decimal

import strawberry

from app.values import CURRENCY, PostalAddress
from schema.circle.commands.inputs import input_for


@strawberry.type(description="An exact amount of money.")
class Money:
    """An amount in the shop's currency."""

    amount: Decimal = strawberry.field(description="The amount, in units of the currency.")
    currency_code: str = strawberry.field(description="The currency, as in ISO 4217.")


@strawberry.input(description="An exact amount of money.")
class MoneyInput:
    """An amount, in the shop's currency unless it says otherwise."""

    amount: Decimal = strawberry.field(description="The amount, with at most 2 decimals.")
    currency_code: str = strawberry.field(
        default=CURRENCY, description="The currency, as in ISO 4217; the shop takes its own only."
    )


@strawberry.type(description="A postal address.")
class Address:
    """Where a parcel goes."""

    recipient: str | None = strawberry.field(description="Who receives it, where that is not the customer.")
    street: str = strawberry.field(description="Street and number.")
    city: str = strawberry.field(description="City or town.")
    region: str | None = strawberry.field(description="State, province or region.")
    postal_code: str | None = strawberry.field(description="Postal code.")
    country: str = strawberry.field(description="Country.")


@input_for(PostalAddress)
@strawberry.input(description="A postal address.")
class AddressInput:
    """Where a parcel is to go."""

    street: str = strawberry.field(description="Street and number.")
    city: str = strawberry.field(description="City or town.")
    country: str = strawberry.field(description="Country.")
    region: str | None = strawberry.field(default=None, description="State, province or region.")
    postal_code: str | None = strawberry.field(default=None, description="Postal code.")
    recipient: str | None = strawberry.field(
        default=None, description="Who receives it, where that is not the customer."
    )

    def value(self) -> PostalAddress:
        """The address as commands carry it."""
        return PostalAddress(
            street=self.street,
            city=self.city,
            country=self.country,
            region=self.region,
            postal_code=self.postal_code,
            recipient=self.recipient,
        )
