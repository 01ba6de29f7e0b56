"""Mutations of the catalog."""

import strawberry

from app.cqrs.message_fields import description_of
from app.domain.catalog import refusals
from app.domain.catalog.commands import AddProduct, ChangePrice, DiscontinueProduct, UpdateProduct
from app.domain.catalog.rules import RULES
from schema.catalog import PRODUCT_LISTS, Product
from schema.circle.commands.mutations import mutations
from schema.circle.commands.sending import ChangeInput, CommandInput
from schema.circle.ids import key_of
from schema.circle.parts import Part
from schema.values import MoneyInput


@strawberry.input(description="The input of the mutation `addProduct`.")
class AddProductInput(CommandInput):
    sku: str = strawberry.field(description=description_of(AddProduct, "sku"))
    name: str = strawberry.field(description=description_of(AddProduct, "name"))
    category: str = strawberry.field(description=description_of(AddProduct, "category"))
    unit_price: MoneyInput = strawberry.field(description=description_of(AddProduct, "unit_price"))
    description: str = strawberry.field(default="", description=description_of(AddProduct, "description"))
    packaging: str = strawberry.field(default="", description=description_of(AddProduct, "packaging"))

    def command(self) -> AddProduct:
        return AddProduct(
            sku=self.sku,
            name=self.name,
            category=self.category,
            unit_price=self.unit_price.amount,
            currency_code=self.unit_price.currency_code,
            description=self.description,
            packaging=self.packaging,
        )


@strawberry.input(description="The input of the mutation `changePrice`.")
class ChangePriceInput(ChangeInput):
    product_id: strawberry.ID = strawberry.field(description=description_of(ChangePrice, "product_id"))
    unit_price: MoneyInput = strawberry.field(description=description_of(ChangePrice, "unit_price"))

    def command(self) -> ChangePrice:
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
        rules=RULES,
        inputs={AddProduct: AddProductInput, ChangePrice: ChangePriceInput},
        lists=PRODUCT_LISTS,
    ),
    refusals=refusals,
)
