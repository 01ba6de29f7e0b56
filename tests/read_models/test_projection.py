"""What holds for every read model of the shop."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from app.cqrs.documents.read_model import Document, ReadModel
from app.cqrs.documents.store import Finder
from app.read_models.activity import ActivityDocument, activity, entries
from app.read_models.customer_overview import CustomerDocument, customer_overview, customers
from app.read_models.order_details import OrderDocument, order_details, orders
from app.read_models.order_list import OrderRow, order_list, rows
from app.read_models.product_listing import ProductDocument, product_listing, products
from app.read_models.sales_by_day import (
    CategoryDayDocument,
    CustomerDayDocument,
    DayDocument,
    ProductDayDocument,
    category_days,
    customer_days,
    days,
    product_days,
    sales_by_day,
)
from app.stores.mongo.store import MongoReadStore
from tests.read_models.conftest import Given, project
from tests.read_models.random_history import random_history
from tests.read_models.shop import History, customer_closed, customer_registered, order_placed

READ_MODELS = (product_listing, order_details, customer_overview, order_list, sales_by_day, activity)
DOCUMENTS: dict[str, Any] = {
    products.name: ProductDocument,
    orders.name: OrderDocument,
    customers.name: CustomerDocument,
    rows.name: OrderRow,
    days.name: DayDocument,
    category_days.name: CategoryDayDocument,
    product_days.name: ProductDayDocument,
    customer_days.name: CustomerDayDocument,
    entries.name: ActivityDocument,
}

of_every_read_model = pytest.mark.parametrize("model", READ_MODELS, ids=lambda model: model.name)


async def documents_of(store: Finder, model: ReadModel) -> list[list[Document]]:
    return [await store.find(collection, {}, sort=[("_id", 1)]) for collection in model.collections]


@of_every_read_model
async def test_documents_do_not_depend_on_how_events_are_batched(
    read_store: MongoReadStore, model: ReadModel
) -> None:
    history = History()
    events = history.record(*random_history(7, orders=60))
    cuts = sorted(Random(7).sample(range(1, len(events)), 12))
    ways = {
        "one batch": [0, len(events)],
        "several": [0, *cuts, len(events)],
        "one by one": list(range(len(events) + 1)),
    }
    found = {}
    for way, ends in ways.items():
        await read_store.clear(model)
        await read_store.prepare(model)
        for start, end in pairwise(ends):
            await project(read_store, model, events[start:end])
        found[way] = await documents_of(read_store, model)
    assert all(found["one batch"])
    assert found["several"] == found["one batch"]
    assert found["one by one"] == found["one batch"]


@of_every_read_model
async def test_documents_have_the_declared_fields(given: Given, model: ReadModel) -> None:
    await given(model, *random_history(3, orders=60))
    for collection in model.collections:
        declared = set(DOCUMENTS[collection.name].__annotations__)
        found = await given.all(collection)
        assert found
        assert {frozenset(document) for document in found} == {frozenset(declared)}


@of_every_read_model
async def test_nothing_personal_is_left_of_a_closed_customer(given: Given, model: ReadModel) -> None:
    await given(model, customer_registered(), order_placed(), customer_closed())
    everything = str(await documents_of(given.store, model)).casefold()
    for personal in ("ada", "lovelace", "analytical", "engines.example", "1843", "james", "london"):
        assert personal not in everything


async def test_figures_agree_across_read_models(given: Given) -> None:
    """The same money, seen from the customer's side and from the day's."""
    events = random_history(11, orders=80)
    for model in (customer_overview, sales_by_day):
        await Given(given.store)(model, *events)
    by_customer = await given.all(customers)
    by_day = await given.all(days)
    spent = sum(one["lifetime_spend"]["amount"] for one in by_customer)
    assert spent == sum(day["revenue"]["amount"] + day["shipping_fees"]["amount"] for day in by_day)
    assert sum(one["order_count"] for one in by_customer) == sum(day["orders"] for day in by_day)
    for parts in (category_days, product_days, customer_days):
        sold = await given.all(parts)
        assert sum(part["units"] for part in sold) == sum(day["units"] for day in by_day)
        assert sum(part["revenue"]["amount"] for part in sold) == sum(
            day["revenue"]["amount"] for day in by_day
        )
