"""Commands to the catalog."""

from typing import cast

import strawberry
from msgspec import UNSET, UnsetType

from app.domain.catalog.commands import AddProduct, ChangePrice, DiscontinueProduct, UpdateProduct
from app.graphql.execution.context import Info
from app.read_models.product_listing import products
from schema.catalog import Product
from schema.circle.ids import key_of
from schema.circle.sending import ChangeInput, CommandInput, Input, Payload, send
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


@strawberry.input(description="Another description of a product: what is left out stays, null removes it.")
class UpdateProductInput(ChangeInput):
    """The input of `updateProduct`."""

    product_id: strawberry.ID = strawberry.field(description="Which product.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="Up to 200 characters; can't be removed."
    )
    category: str | None = strawberry.field(
        default=strawberry.UNSET, description="Up to 100 characters; can't be removed."
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="Up to 4,000 characters."
    )
    packaging: str | None = strawberry.field(default=strawberry.UNSET, description="Up to 200 characters.")

    def command(self) -> UpdateProduct:
        """The command that this asks for."""
        return UpdateProduct(
            product_id=key_of("Product", self.product_id, ("product_id",)),
            name=_given(self.name),
            category=_given(self.category),
            description=_given(self.description),
            packaging=_given(self.packaging),
            expected_version=self.expected_version,
        )


@strawberry.input(description="Another price of a product, for orders from now on.")
class ChangePriceInput(ChangeInput):
    """The input of `changePrice`."""

    product_id: strawberry.ID = strawberry.field(description="Which product.")
    unit_price: MoneyInput = strawberry.field(description="From 0 to 9,999,999.99.")


@strawberry.input(description="A product that goes off sale for good.")
class DiscontinueProductInput(ChangeInput):
    """The input of `discontinueProduct`."""

    product_id: strawberry.ID = strawberry.field(description="Which product.")


@strawberry.type
class ProductPayload(Payload):
    """What every mutation of a product or its stock answers with."""

    @strawberry.field(description="The product with this change in it; null when it was refused.")
    async def product(self, info: Info) -> Product | None:
        """Waits for the read model, only where it is asked for."""
        return cast("Product | None", await self.read_back(info, products))


@strawberry.type(description="What came of `addProduct`.")
class AddProductPayload(ProductPayload):
    """The new product."""


@strawberry.type(description="What came of `updateProduct`.")
class UpdateProductPayload(ProductPayload):
    """The product as described now."""


@strawberry.type(description="What came of `changePrice`.")
class ChangePricePayload(ProductPayload):
    """The product at its new price."""


@strawberry.type(description="What came of `discontinueProduct`.")
class DiscontinueProductPayload(ProductPayload):
    """The product, off sale."""


@strawberry.type
class CatalogMutation:
    """Mutations of products."""

    @strawberry.mutation(description="Puts a product on sale.")
    async def add_product(self, info: Info, input: Input[AddProductInput]) -> AddProductPayload | None:
        """Becomes `AddProduct`."""
        command = AddProduct(
            sku=input.sku,
            name=input.name,
            category=input.category,
            unit_price=input.unit_price.amount,
            currency_code=input.unit_price.currency_code,
            description=input.description,
            packaging=input.packaging,
        )
        return await send(info, AddProductPayload, "product", input.command_id, lambda: command)

    @strawberry.mutation(description="Describes a product anew.")
    async def update_product(
        self, info: Info, input: Input[UpdateProductInput]
    ) -> UpdateProductPayload | None:
        """Becomes `UpdateProduct`."""
        return await send(info, UpdateProductPayload, "product", input.command_id, input.command)

    @strawberry.mutation(description="Changes a product's price; orders keep the price they were placed at.")
    async def change_price(self, info: Info, input: Input[ChangePriceInput]) -> ChangePricePayload | None:
        """Becomes `ChangePrice`."""
        return await send(
            info,
            ChangePricePayload,
            "product",
            input.command_id,
            lambda: ChangePrice(
                product_id=key_of("Product", input.product_id, ("product_id",)),
                unit_price=input.unit_price.amount,
                currency_code=input.unit_price.currency_code,
                expected_version=input.expected_version,
            ),
        )

    @strawberry.mutation(description="Takes a product off sale for good; it stays visible in old orders.")
    async def discontinue_product(
        self, info: Info, input: Input[DiscontinueProductInput]
    ) -> DiscontinueProductPayload | None:
        """Becomes `DiscontinueProduct`."""
        return await send(
            info,
            DiscontinueProductPayload,
            "product",
            input.command_id,
            lambda: DiscontinueProduct(
                product_id=key_of("Product", input.product_id, ("product_id",)),
                expected_version=input.expected_version,
            ),
        )


def _given(text: str | None) -> str | UnsetType:
    """Return what replaces a text: nothing for null, so that one which there must be is found missing."""
    return UNSET if text is strawberry.UNSET else text or ""
