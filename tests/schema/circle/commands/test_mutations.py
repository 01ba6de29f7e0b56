"""A mutation is made of its command: its name, its fields, their defaults and their descriptions."""

from typing import Annotated, Any
from uuid import UUID

import pytest
import strawberry
from msgspec import UNSET, UnsetType

from app.cqrs.message_fields import Id, fields_of, id_field, summary
from app.cqrs.messages import Command
from schema.catalog import Product
from schema.circle.commands.inputs import derived_input
from schema.circle.commands.mutations import mutations
from schema.circle.commands.sending import CommandInput
from schema.circle.ids import BadId, BadInput, global_id

PRODUCT = UUID(int=7)


class PolishProduct(Command):
    """Polishes a product
    until it shines.
    """

    product_id: Annotated[UUID, Id("product")]
    coats: Annotated[int | UnsetType, "From 1 to 9."] = UNSET
    note: Annotated[str | UnsetType, "What to mind."] = UNSET
    by: Annotated[str | UnsetType | None, "The polisher."] = UNSET
    expected_version: int | None = None


class Bare(Command):
    size: int


Input: Any = derived_input(PolishProduct, "polishProduct")


def made(**given: Any) -> Command:
    command: Command = Input(**given).command()
    return command


def test_an_input_has_the_fields_of_its_command() -> None:
    sdl = str(strawberry.Schema(query=_query_with(Input)).as_str())
    wanted = """
  \"\"\"The id of the product.\"\"\"
  productId: ID!

  \"\"\"From 1 to 9.\"\"\"
  coats: Int

  \"\"\"What to mind.\"\"\"
  note: String

  \"\"\"The polisher.\"\"\"
  by: String
}"""
    assert wanted.replace("\\", "") in sdl
    assert "expectedVersion: Int" in sdl
    assert "commandId: " in sdl


def test_what_is_left_out_is_unset_and_null_removes() -> None:
    id = global_id("Product", PRODUCT)
    assert made(product_id=id) == PolishProduct(product_id=PRODUCT)
    assert made(product_id=id, coats=2, note=None, by=None, expected_version=3) == PolishProduct(
        product_id=PRODUCT, coats=2, note="", by=None, expected_version=3
    )


def test_null_that_can_not_be_meant_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadInput, match="Coats can't be removed") as refused:
        made(product_id=global_id("Product", PRODUCT), coats=None)
    assert refused.value.path == ("coats",)


def test_the_id_of_another_type_is_refused_at_its_field() -> None:
    with pytest.raises(BadId, match="send one of the type Product") as refused:
        made(product_id=global_id("Customer", PRODUCT))
    assert refused.value.path == ("product_id",)


def test_a_message_says_what_its_fields_are() -> None:
    assert summary(PolishProduct) == "Polishes a product until it shines."
    assert summary(Bare) == ""
    assert [field.description for field in fields_of(Bare)] == [""]
    assert id_field(PolishProduct, "product") == "product_id"
    assert id_field(PolishProduct, "order") is None


def _query_with(input: Any) -> type:
    async def polished(input: Any) -> int:
        return 1

    polished.__annotations__ = {"input": input, "return": int}
    return strawberry.type(type("Query", (), {"polished": strawberry.field(resolver=polished)}))


def test_an_input_that_describes_no_command_is_refused_before_the_service_starts() -> None:
    @strawberry.input
    class PolishInput(CommandInput):
        coats: int

    with pytest.raises(TypeError, match="PolishInput describes no command: give it a method `command`"):
        mutations(Product, PolishProduct, rules={}, inputs={PolishProduct: PolishInput})
