from decimal import Decimal
from uuid import UUID

import pytest

from app.cqrs.commands.outcomes import NotFound, VersionConflict
from app.cqrs.messages import Command
from app.domain.catalog.commands import ChangePrice, DiscontinueProduct, UpdateProduct
from app.domain.catalog.refusals import DuplicateSku
from app.domain.catalog.tables import products
from tests.domain.shop import Shop
from tests.domain.wanted import product

NOBODY = UUID(int=7)


async def test_a_product_is_kept_as_its_events_tell_it(shop: Shop) -> None:
    chai = await shop.product(sku="tea-1", name="شاي ☕", description="two\nlines")
    await shop.accept(ChangePrice(product_id=chai, unit_price=Decimal("0.01")))
    await shop.accept(UpdateProduct(product_id=chai, category="Tea"))
    await shop.accept(DiscontinueProduct(product_id=chai))
    kept = await shop.load("product", chai)
    assert (kept.version, kept.name, kept.discontinued) == (4, "شاي ☕", True)
    await shop.check()


async def test_refuses_a_duplicate_sku(shop: Shop) -> None:
    first = await shop.product(sku="tea-1")
    (error,) = await shop.refuse(product(sku=" TEA-1"))
    assert isinstance(error, DuplicateSku)
    assert (error.sku, error.product_id, error.path) == ("TEA-1", first, ("sku",))
    assert await shop.count(products) == 1


@pytest.mark.parametrize(
    "command",
    [
        UpdateProduct(product_id=NOBODY, name="Chai"),
        ChangePrice(product_id=NOBODY, unit_price=Decimal(1)),
        DiscontinueProduct(product_id=NOBODY),
    ],
)
async def test_refuses_to_change_a_product_that_does_not_exist(shop: Shop, command: Command) -> None:
    (error,) = await shop.refuse(command)
    assert isinstance(error, NotFound)
    assert (error.kind, error.id, error.path) == ("product", NOBODY, ("product_id",))


async def test_refuses_a_version_other_than_the_expected_one(shop: Shop) -> None:
    chai = await shop.product()
    change = ChangePrice(product_id=chai, unit_price=Decimal(20), expected_version=1)
    await shop.accept(change)
    (error,) = await shop.refuse(change)
    assert isinstance(error, VersionConflict)
    assert (error.current_version, error.path) == (2, ("expected_version",))


async def test_what_changes_nothing_has_a_receipt_without_events(shop: Shop) -> None:
    chai = await shop.product(name="Chai")
    receipt = await shop.accept(UpdateProduct(product_id=chai, name="Chai"))
    assert (receipt.events, receipt.position) == ((), None)
    assert receipt.covered == 1, "the event that gave it the name"
