"""Every filter and every order that a query offers is served by an index."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from bson.codec_options import CodecOptions, TypeRegistry
from bson.decimal128 import Decimal128
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import Fields, Ranks, Sort
from app.cqrs.freshness.progress import Progress
from app.cqrs.freshness.tokens import Token
from app.cqrs.live.following import Live
from app.cqrs.live.notices import Notices
from app.cqrs.log.head import Head
from app.cqrs.reading.pages import Listing, PageArguments
from app.cqrs.reading.reading import Reading
from app.cqrs.searching.search import Search
from app.cqrs.viewers import Scope, Sight
from app.read_models import (
    activity,
    customer_overview,
    order_details,
    order_list,
    product_listing,
    sales_by_day,
)
from app.stores.mongo.reads.ranked import pipeline
from app.stores.mongo.store import MongoReadStore
from tests.pages import read_page
from tests.read_models.conftest import Given
from tests.read_models.random_history import CUSTOMERS, PRODUCTS, random_history
from tests.read_models.shop import OPENING, moment

WITH_DECIMALS: CodecOptions[Document] = CodecOptions(type_registry=TypeRegistry(fallback_encoder=Decimal128))
CUSTOMER, PRODUCT = str(CUSTOMERS[0]), str(PRODUCTS[0])
MODELS = (
    product_listing.product_listing,
    order_details.order_details,
    customer_overview.customer_overview,
    order_list.order_list,
    sales_by_day.sales_by_day,
    activity.activity,
)


class Explaining:
    """A document reader that asks how a find is carried out, and finds nothing."""

    def __init__(self, mongo: AsyncIOMotorDatabase[Document]) -> None:
        self._mongo = mongo
        self.explained: Document = {}
        self.asked = asyncio.Event()

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> dict[str, Document]:
        await self.find(collection, {"_id": {"$in": list(ids)}})
        return {}

    async def find(
        self,
        collection: Collection,
        filter: Filter,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Fields = None,
    ) -> list[Document]:
        find = {"find": collection.stored_as, "filter": filter, "limit": limit}
        await self._explain(find | ({"sort": dict(sort)} if sort else {}))
        return []

    async def find_ranked(
        self,
        collection: Collection,
        ranks: Ranks,
        *,
        sort: Sort,
        limit: int,
        fields: Fields = None,
    ) -> list[Document]:
        steps = pipeline(collection.stored_as, ranks, sort=sort, limit=limit, fields=fields)
        return await self.aggregate(collection, steps)

    async def count(self, collection: Collection, filter: Filter) -> int:
        # Drivers count with an aggregation, which counts what this find finds.
        await self.find(collection, filter)
        return 0

    async def aggregate(self, collection: Collection, pipeline: Any) -> list[Document]:
        await self._explain({"aggregate": collection.stored_as, "pipeline": list(pipeline), "cursor": {}})
        return []

    async def _explain(self, command: Document) -> None:
        explain = {"explain": command, "verbosity": "executionStats"}
        self.explained = await self._mongo.command(explain, codec_options=WITH_DECIMALS)
        self.asked.set()

    @property
    def stages(self) -> set[str]:
        return set(_values_of("stage", _winning(self.explained)))

    @property
    def examined(self) -> int:
        """How many index keys were looked at."""
        stages = self.explained.get("stages")
        executed = stages[0]["$cursor"] if stages else self.explained
        keys: int = executed["executionStats"]["totalKeysExamined"]
        return keys


def _winning(explained: Document) -> Any:
    stages = explained.get("stages")
    planned = stages[0]["$cursor"] if stages else explained
    return planned["queryPlanner"]["winningPlan"]


def _values_of(key: str, plan: Any) -> Iterator[Any]:
    if isinstance(plan, dict):
        if key in plan:
            yield plan[key]
        for part in plan.values():
            yield from _values_of(key, part)
    elif isinstance(plan, list):
        for part in plan:
            yield from _values_of(key, part)


@pytest.fixture(scope="module")
async def _filled(opened_read_store: MongoReadStore, mongo: AsyncIOMotorDatabase[Document]) -> None:
    for name in await mongo.list_collection_names():
        await mongo[name].delete_many({})
    events = random_history(5, orders=600)
    for model in MODELS:
        await Given(opened_read_store)(model, *events)


@pytest.fixture
async def explaining(_filled: None, mongo: AsyncIOMotorDatabase[Document]) -> Explaining:
    return Explaining(mongo)


def listings() -> Iterator[Listing]:
    """Every order, with each filter that goes with it without sorting in memory."""
    for product_order, categories in product(
        product_listing.ProductOrder, [None, ["Coffee"], ["Coffee", "Sweets"]]
    ):
        yield product_listing.product_page(
            product_listing.products_matching(categories=categories), product_order
        )
    for customer_order, closed in product(customer_overview.CustomerOrder, [None, False]):
        filter = customer_overview.customers_matching(closed=closed)
        yield customer_overview.customer_page(filter, customer_order)
    for order, status, customer, ordered in product(
        order_list.OrderOrder, [None, ["PAID"], ["PLACED", "SHIPPED"]], [None, CUSTOMER], [None, PRODUCT]
    ):
        filter = order_list.orders_matching(status=status, customer_id=customer, product_id=ordered)
        yield order_list.order_page(filter, order)
    placed = order_list.orders_matching(placed_from=OPENING, placed_to=moment(90))
    yield order_list.order_page(placed, order_list.OrderOrder.PLACED_AT)
    dear = order_list.orders_matching(total_from=Decimal(50), total_to=Decimal(99))
    yield order_list.order_page(dear, order_list.OrderOrder.TOTAL)
    yield product_listing.product_with_sku("SKU-1")
    yield customer_overview.customer_with_email("ada@engines.example")
    for own_order, status, ordered in product(
        order_details.OrderOrder, [None, ["PLACED", "SHIPPED"]], [None, PRODUCT]
    ):
        yield order_details.orders_of_customer(CUSTOMER, own_order, status=status, product_id=ordered)
    yield order_details.orders_of_customer(CUSTOMER, placed_from=OPENING, placed_to=moment(90))
    yield order_details.orders_of_customer(
        CUSTOMER, order_details.OrderOrder.TOTAL, total_from=Decimal(50), total_to=Decimal(99)
    )
    yield sales_by_day.days_between()
    yield sales_by_day.days_between(date(2026, 1, 1), date(2026, 1, 31))
    yield activity.activity_matching()
    yield activity.activity_matching(streams=[f"customer-{CUSTOMER}"])
    yield activity.activity_matching(streams=[f"product-{PRODUCT}", f"stock-{PRODUCT}"])
    yield activity.activity_matching(command_id=CUSTOMER)
    yield activity.activity_matching(actor="clerk")
    yield activity.activity_matching(event_type="OrderPlaced")


def other_listings() -> Iterator[Listing]:
    """Filters that narrow a listing further, whatever its order."""
    for product_order in product_listing.ProductOrder:
        for filter in (
            product_listing.products_matching(price_from=Decimal(1)),
            product_listing.products_matching(in_stock=True),
            product_listing.products_matching(discontinued=False),
        ):
            yield product_listing.product_page(filter, product_order)
        for search in ("tea", "c++", "!!!", "green tea pot"):
            yield product_listing.product_page({}, product_order, search=search)
    for customer_order in customer_overview.CustomerOrder:
        yield customer_overview.customer_page({}, customer_order, search="zoe")
    for order in order_list.OrderOrder:
        for filter in (
            order_list.orders_matching(placed_from=OPENING),
            order_list.orders_matching(total_from=Decimal(300)),
        ):
            yield order_list.order_page(filter, order)
    yield activity.activity_matching(at_from=OPENING, at_to=moment(9))


def named(listing: Listing) -> str:
    searched = f" search {listing.search.text}" if listing.search else ""
    return f"{listing.collection.read_model} {[*listing.filter]} by {listing.order[0]}{searched}"


def reversed_listing(listing: Listing) -> Listing:
    order = [path[1:] if path.startswith("-") else f"-{path}" for path in listing.order]
    return replace(listing, order=order)


@pytest.mark.parametrize("listing", list(listings()), ids=named)
async def test_pages_come_sorted_from_an_index(explaining: Explaining, listing: Listing) -> None:
    for way in (listing, reversed_listing(listing)):
        await read_page(explaining, way, PageArguments(first=20))
        assert "IXSCAN" in explaining.stages
        assert not {"COLLSCAN", "SORT"} & explaining.stages
        await read_page(explaining, way, PageArguments(last=20))
        assert not {"COLLSCAN", "SORT"} & explaining.stages


@pytest.mark.parametrize("listing", list(other_listings()), ids=named)
async def test_every_other_filter_is_served_by_an_index(explaining: Explaining, listing: Listing) -> None:
    await read_page(explaining, listing, PageArguments(first=20))
    assert "COLLSCAN" not in explaining.stages
    await explaining.count(listing.collection, listing.matching)
    assert "COLLSCAN" not in explaining.stages


def reading(explaining: Explaining, scope: Scope, model: str) -> Reading:
    return Reading(reader=explaining, progress={model: Progress(model, Head())}, patience=0, scope=scope)


OWNED = [each for each in (*listings(), *other_listings()) if each.collection.seen_by.owner]


@pytest.mark.parametrize("listing", OWNED, ids=named)
async def test_an_owners_page_and_count_come_from_an_index_of_their_own(
    explaining: Explaining, listing: Listing
) -> None:
    reads = reading(explaining, Scope(Sight.CUSTOMER, CUSTOMER), listing.collection.read_model)
    await reads.count(listing)
    theirs = explaining.examined
    sorted_by_index = [*listings()] if listing.collection is not customer_overview.customers else []
    assert theirs < 40, "of 600 orders and 25 customers"
    for way in (listing, reversed_listing(listing)):
        for arguments in (PageArguments(first=20), PageArguments(last=20)):
            await reads.page(way, arguments)
            assert "COLLSCAN" not in explaining.stages
            assert explaining.examined <= theirs + 1
            if listing in sorted_by_index:
                assert "SORT" not in explaining.stages


@pytest.mark.parametrize("listing", OWNED, ids=named)
async def test_who_may_see_no_document_is_answered_without_reading_one(
    explaining: Explaining, listing: Listing
) -> None:
    reads = reading(explaining, Scope(Sight.ANONYMOUS), listing.collection.read_model)
    await reads.page(listing, PageArguments(first=20))
    assert explaining.examined == 0
    assert "COLLSCAN" not in explaining.stages
    await reads.count(listing)
    assert explaining.examined == 0
    assert "COLLSCAN" not in explaining.stages


async def test_an_owners_sums_read_only_what_is_theirs(explaining: Explaining) -> None:
    reads = reading(explaining, Scope(Sight.CUSTOMER, CUSTOMER), order_list.order_list.name)
    await reads.aggregate(order_list.rows, order_list.order_totals({"status": {"$in": ["PAID"]}}))
    assert "COLLSCAN" not in explaining.stages
    assert explaining.examined < 200, "of 600 orders"


@pytest.mark.parametrize("filter", [{"_id": PRODUCT}, {"customer.id": CUSTOMER}], ids=["one", "all"])
async def test_what_changed_of_an_owners_orders_comes_from_an_index(
    explaining: Explaining, filter: Filter
) -> None:
    live = Live(explaining, Notices(), {"order_details": Progress("order_details", Head())}, heartbeat=60)
    scope = Scope(Sight.CUSTOMER, CUSTOMER)
    followed = live.documents(order_details.orders, filter, "order_details", Token(600), scope=scope)
    waiting = asyncio.ensure_future(anext(followed))
    await explaining.asked.wait()
    waiting.cancel()
    assert "COLLSCAN" not in explaining.stages
    assert explaining.examined < 40


async def test_a_page_far_down_costs_no_more_than_the_first(
    explaining: Explaining, opened_read_store: MongoReadStore
) -> None:
    listing = order_list.order_page({}, order_list.OrderOrder.PLACED_AT)
    cursor = None
    for _ in range(5):
        page = await read_page(opened_read_store, listing, PageArguments(first=100, after=cursor))
        cursor = page.cursors[-1]
    for arguments in (PageArguments(first=10, after=cursor), PageArguments(last=10, before=cursor)):
        await read_page(explaining, listing, arguments)
        assert not {"COLLSCAN", "SORT"} & explaining.stages
        assert explaining.examined < 40


@pytest.mark.parametrize("collection", [order_details.orders, activity.entries, product_listing.products])
async def test_what_changed_after_a_position_comes_from_an_index(
    explaining: Explaining, collection: Collection
) -> None:
    newer = {"$or": [{"position": {"$gt": 600}}, {"position": 600, "_id": {"$gt": "x"}}]}
    await explaining.find(collection, newer, sort=[("position", 1), ("_id", 1)], limit=100)
    assert not {"COLLSCAN", "SORT"} & explaining.stages


@pytest.mark.parametrize("collection", [product_listing.products, customer_overview.customers])
@pytest.mark.parametrize(
    "ranks",
    [Search("green tea").ranks[:-1], Search("gren pots").forgiving(["gren", "pots"]).ranks],
    ids=["words", "typing errors"],
)
async def test_hits_of_whole_words_and_in_spite_of_typing_errors_come_sorted_from_an_index(
    explaining: Explaining, collection: Collection, ranks: Sequence[Filter]
) -> None:
    for rank in ranks:
        await explaining.find(collection, rank, sort=[("sort_name", 1), ("_id", 1)], limit=21)
        assert not {"COLLSCAN", "SORT"} & explaining.stages


async def test_what_changed_of_a_customers_orders_comes_from_an_index(explaining: Explaining) -> None:
    newer = {"customer.id": CUSTOMER, "position": {"$gt": 600}}
    await explaining.find(order_details.orders, newer, sort=[("position", 1), ("_id", 1)], limit=100)
    assert not {"COLLSCAN", "SORT"} & explaining.stages


@pytest.mark.parametrize(
    ("collection", "pipeline"),
    [
        (order_list.rows, order_list.order_totals({"status": {"$in": ["PAID"]}})),
        (sales_by_day.days, sales_by_day.day_totals(date(2026, 1, 30))),
        (sales_by_day.days, sales_by_day.month_totals(date(2026, 1, 30), limit=5)),
        (sales_by_day.customer_days, sales_by_day.customer_totals(date(2026, 1, 30), limit=5)),
        (sales_by_day.category_days, sales_by_day.category_totals(date(2026, 1, 30))),
        (sales_by_day.product_days, sales_by_day.best_sellers(date(2026, 1, 30), limit=5)),
        (product_listing.products, product_listing.facets({"category": {"$in": ["Coffee"]}})),
    ],
    ids=lambda value: value.name if isinstance(value, Collection) else "",
)
async def test_sums_read_only_what_they_sum(
    explaining: Explaining, collection: Collection, pipeline: list[dict[str, Any]]
) -> None:
    await explaining.aggregate(collection, pipeline)
    assert "IXSCAN" in explaining.stages
    assert "COLLSCAN" not in explaining.stages
