"""Commands to the catalog."""

import strawberry

from app.domain.catalog import refusals
from app.domain.catalog.commands import AddProduct, ChangePrice, DiscontinueProduct, UpdateProduct
from schema.catalog import Product
from schema.circle.commands.mutations import mutations
from schema.circle.commands.sending import ChangeInput, CommandInput
from schema.circle.ids import key_of
from schema.circle.parts import Part
from schema.values import MoneyInput


@strawberry.input(description="A new product.")
class AddProductInput(CommandInput):
    """The input of `addProduct`."""

    sku: str = strawberry.field(description="Up to 40 letters, digits and `. _ / -`; unique.")
    name: str = strawberry.field(description="Up to 200 characters.")
    category: str = strawberry.field(description="Up to 100 characters.")
    unit_price: MoneyInput = strawberry.field(description="From 0 to 9,999,999.99.")
    description: str = strawberry.field(default="", description="Up to 4,000 characters.")
    packaging: str = strawberry.field(default="", description="Up to 200 characters.")

    def command(self) -> AddProduct:
        """The command that this asks for."""
        return AddProduct(
            sku=self.sku,
            name=self.name,
            category=self.category,
            unit_price=self.unit_price.amount,
            currency_code=self.unit_price.currency_code,
            description=self.description,
            packaging=self.packaging,
        )


@strawberry.input(description="Another price of a product, for orders from now on.")
class ChangePriceInput(ChangeInput):
    """The input of `changePrice`."""

    product_id: strawberry.ID = strawberry.field(description="Which product.")
    unit_price: MoneyInput = strawberry.field(description="From 0 to 9,999,999.99.")

    def command(self) -> ChangePrice:
        """The command that this asks for."""
        return ChangePrice(
            product_id=key_of("Product", self.product_id, ("product_id",)),
            unit_price=self.unit_price.amount,
            currency_code=self.unit_price.currency_code,
            expected_version=self.expected_version,
        )


PART = Part(
    mutation=mutations(
        Product,
        AddProduct,
        UpdateProduct,
        ChangePrice,
        DiscontinueProduct,
        inputs={AddProduct: AddProductInput, ChangePrice: ChangePriceInput},
    ),
    refusals=refusals,
)
