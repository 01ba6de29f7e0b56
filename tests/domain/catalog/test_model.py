from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.cqrs.commands.outcomes import InvalidInput
from app.domain.catalog import model
from app.domain.catalog.commands import AddProduct, ChangePrice, DiscontinueProduct, UpdateProduct
from app.domain.catalog.events import PriceChanged, ProductAdded, ProductDiscontinued, ProductUpdated
from app.domain.catalog.refusals import ProductIsDiscontinued
from app.values import Money, Sku
from tests.domain.given import Rules
from tests.domain.wanted import product

CHAI = UUID(int=1)
ADDED = ProductAdded(
    product_id=CHAI,
    sku=Sku("TEA-1"),
    name="Chai",
    category="Beverages",
    description="",
    packaging="",
    unit_price=Money(Decimal(18)),
)
DISCONTINUED = ProductDiscontinued(product_id=CHAI)

catalog = Rules(
    model.evolve,
    {
        AddProduct: lambda _state, command, _now: model.add(command, CHAI),
        UpdateProduct: model.update,
        ChangePrice: model.change_price,
        DiscontinueProduct: model.discontinue,
    },
)


def test_a_product_is_added() -> None:
    catalog.given().when(product(sku="tea-1", name=" Chai ")).then(ADDED)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sku", "no spaces"),
        ("name", " "),
        ("name", "x" * 201),
        ("category", ""),
        ("description", "x" * 4001),
        ("packaging", "a\x00b"),
        ("unit_price", Decimal(-1)),
        ("unit_price", Decimal("1.001")),
    ],
)
def test_refuses_a_badly_described_product(field: str, value: Any) -> None:
    catalog.given().when(product(**{field: value})).then_refused(InvalidInput, at=(field,))


def test_every_problem_of_a_new_product_is_reported_at_once() -> None:
    bad = product(sku="", name="", category="", unit_price=Decimal(1), currency_code="EUR")
    errors = catalog.given().when(bad).then_refused(*[InvalidInput] * 4)
    assert [error.path for error in errors] == [("sku",), ("name",), ("category",), ("unit_price",)]


def test_a_complaint_is_a_sentence_that_says_what_to_do() -> None:
    (error,) = catalog.given().when(product(unit_price=Decimal("0.001"))).then_refused(InvalidInput)
    assert error.message == "Unit price must have at most 2 decimals; it is 0.001."


def test_an_update_tells_the_whole_description() -> None:
    catalog.given(ADDED).when(UpdateProduct(product_id=CHAI, packaging="10 boxes")).then(
        ProductUpdated(
            product_id=CHAI,
            sku=Sku("TEA-1"),
            name="Chai",
            category="Beverages",
            description="",
            packaging="10 boxes",
        )
    )


def test_an_update_without_a_difference_changes_nothing() -> None:
    catalog.given(ADDED).when(UpdateProduct(product_id=CHAI, name=" Chai ")).then_nothing_happens()


def test_a_discontinued_product_can_still_be_described() -> None:
    update = UpdateProduct(product_id=CHAI, name="Old chai")
    assert catalog.given(ADDED, DISCONTINUED).when(update).decision


def test_refuses_a_bad_update() -> None:
    catalog.given(ADDED).when(UpdateProduct(product_id=CHAI, name="")).then_refused(
        InvalidInput, at=("name",)
    )


def test_a_price_changes() -> None:
    catalog.given(ADDED).when(ChangePrice(product_id=CHAI, unit_price=Decimal("19.5"))).then(
        PriceChanged(
            product_id=CHAI, unit_price=Money(Decimal("19.50")), previous_price=Money(Decimal("18.00"))
        )
    )


def test_the_same_price_changes_nothing() -> None:
    catalog.given(ADDED).when(ChangePrice(product_id=CHAI, unit_price=Decimal(18))).then_nothing_happens()


def test_refuses_a_negative_price() -> None:
    change = ChangePrice(product_id=CHAI, unit_price=Decimal(-1))
    catalog.given(ADDED).when(change).then_refused(InvalidInput, at=("unit_price",))


def test_refuses_a_new_price_of_a_discontinued_product() -> None:
    change = ChangePrice(product_id=CHAI, unit_price=Decimal(1))
    catalog.given(ADDED, DISCONTINUED).when(change).then_refused(ProductIsDiscontinued, at=("product_id",))


def test_a_product_is_discontinued_once() -> None:
    catalog.given(ADDED).when(DiscontinueProduct(product_id=CHAI)).then(DISCONTINUED)
    catalog.given(ADDED, DISCONTINUED).when(DiscontinueProduct(product_id=CHAI)).then_nothing_happens()


def test_an_event_that_cannot_happen_is_a_bug() -> None:
    with pytest.raises(TypeError, match="can't happen"):
        model.evolve(None, DISCONTINUED)
