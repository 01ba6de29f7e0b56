"""The example of the README, at the three levels on which the shop's own contexts are tested."""

from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from app.bootstrap import EVENTS, HANDLERS
from app.cqrs.command_bus import CommandBus
from app.cqrs.commands import InvalidInput, NotFound, Receipt, Refused
from app.cqrs.event_bus import AsyncioEventBus
from app.cqrs.events import EventTypes
from app.cqrs.notices import Notices
from app.cqrs.pages import PageArguments, read_page
from app.cqrs.progress import Head, Progress
from app.cqrs.projector import Projector
from app.domain.catalog.commands import AddProduct
from app.stores.mongo import MongoReadStore
from app.stores.sql import open_database
from app.stores.write_store import SqlWriteStore
from tests.example import reviews
from tests.example.ratings import most_reviewed, products, ratings
from tests.example.reviews import ProductReviewed, ReviewProduct
from tests.read_models.conftest import Given

TEA, REVIEW = UUID(int=1), UUID(int=2)


def test_a_review_has_one_to_five_stars() -> None:
    praise = ReviewProduct(product_id=TEA, stars=5, opinion=" Fine. ")
    assert reviews.review(praise, REVIEW) == (
        ProductReviewed(review_id=REVIEW, product_id=TEA, stars=5, opinion="Fine."),
    )


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_refuses_other_numbers_of_stars(stars: int) -> None:
    refusal = reviews.review(ReviewProduct(product_id=TEA, stars=stars), REVIEW)
    assert isinstance(refusal, Refused)
    assert [(type(error), error.path) for error in refusal.errors] == [(InvalidInput, ("stars",))]


async def test_a_rating_sums_the_reviews_of_a_product_up(read_store: MongoReadStore) -> None:
    given = Given(read_store)
    await given(
        ratings,
        ProductReviewed(review_id=UUID(int=2), product_id=TEA, stars=5, opinion=""),
        ProductReviewed(review_id=UUID(int=3), product_id=TEA, stars=2, opinion=""),
    )
    assert await given.only(products) == {"_id": str(TEA), "position": 2, "reviews": 2, "stars": 7}


async def test_a_review_goes_from_the_command_to_the_document(
    tmp_path: Path, read_store: MongoReadStore
) -> None:
    types = EventTypes()
    types.add(*EVENTS, ProductReviewed)
    async with open_database(f"sqlite+aiosqlite:///{tmp_path}/shop.db") as engines:
        async with engines.writing.begin() as connection:
            await connection.run_sync(reviews.reviews.create)
        log = SqlWriteStore(engines, types)
        handlers = {**HANDLERS, **reviews.HANDLERS}
        commands = CommandBus(log, handlers, committed=lambda _receipt: None)

        tea = AddProduct(sku="TEA", name="Tea", category="Drinks", unit_price=Decimal(9))
        added = await commands.execute(tea)
        assert isinstance(added, Receipt)
        product_id = UUID(added.events[0].stream.removeprefix("product-"))
        for stars in (5, 4):
            assert isinstance(
                await commands.execute(ReviewProduct(product_id=product_id, stars=stars)), Receipt
            )
        unknown = await commands.execute(ReviewProduct(product_id=TEA, stars=1))
        assert isinstance(unknown, Refused)
        assert isinstance(unknown.errors[0], NotFound)

        await read_store.prepare(ratings)
        progress = Progress(ratings.name, Head())
        projector = Projector(
            ratings, log=log, bus=AsyncioEventBus(), store=read_store, progress=progress, notices=Notices()
        )
        await projector.catch_up()
        [best] = (await read_page(read_store, most_reviewed(), PageArguments(first=1))).documents
        assert best == {"_id": str(product_id), "position": 3, "reviews": 2, "stars": 9}
