"""Amounts of money and postal addresses, which several types show."""

from decimal import Decimal

import strawberry

from app.values import CURRENCY, PostalAddress
from schema.circle.commands.inputs import input_for


@strawberry.type(
    description="An exact amount of money, in whole cents. Only the total of an order's line is rounded, "
    "half to even; sums add amounts up as they are."
)
class Money:
    amount: Decimal = strawberry.field(description='The amount in units of the currency, such as "19.90".')
    currency_code: str = strawberry.field(description="The ISO 4217 code of the currency, such as `USD`.")


@strawberry.input(description="An amount of money in the currency of the shop.")
class MoneyInput:
    amount: Decimal = strawberry.field(
        description='The amount in units of the currency, with at most 2 decimals, such as "19.90".'
    )
    currency_code: str = strawberry.field(
        default=CURRENCY,
        description="The ISO 4217 code of the currency. Only the currency of the shop is accepted.",
    )


@strawberry.type(description="A postal address.")
class Address:
    recipient: str | None = strawberry.field(
        description="The name of the recipient; null if the customer is the recipient."
    )
    street: str = strawberry.field(description="The street and house number.")
    city: str = strawberry.field(description="The city or town.")
    region: str | None = strawberry.field(description="The state, province or region; null if none is given.")
    postal_code: str | None = strawberry.field(description="The postal code; null if none is given.")
    country: str = strawberry.field(description="The name or code of the country, as it was entered.")


@input_for(PostalAddress)
@strawberry.input(description="A postal address.")
class AddressInput:
    street: str = strawberry.field(description="The street and house number, 1 to 500 characters.")
    city: str = strawberry.field(description="The city or town, 1 to 200 characters.")
    country: str = strawberry.field(description="The name or code of the country, 1 to 100 characters.")
    region: str | None = strawberry.field(
        default=None, description="The state, province or region, up to 100 characters."
    )
    postal_code: str | None = strawberry.field(
        default=None, description="The postal code, up to 30 characters."
    )
    recipient: str | None = strawberry.field(
        default=None,
        description="The name of the recipient, up to 200 characters. The default is the customer.",
    )

    def value(self) -> PostalAddress:
        """Return the address in the form that commands take."""
        return PostalAddress(
            street=self.street,
            city=self.city,
            country=self.country,
            region=self.region,
            postal_code=self.postal_code,
            recipient=self.recipient,
        )
