"""A document that does not fit its type is left to graphql-core, which gives the right errors."""

from copy import deepcopy
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from bson import Decimal128
from motor.motor_asyncio import AsyncIOMotorClient

from schema.circle.ids import global_id
from tests.graphql.compiled.comparison import Comparison
from tests.graphql.compiled.generator import Operation
from tests.graphql.compiled.shop import COLLECTIONS, Quiet

pytestmark = pytest.mark.campaign

FALSE: tuple[Any, ...] = (
    None,
    5,
    2**40,
    -1.5,
    True,
    "",
    "wrong",
    [],
    [None],
    {},
    {"amount": None},
    datetime(2026, 1, 1, tzinfo=UTC),
)

MONEY, ADDRESS = "{ amount currencyCode }", "{ recipient street city region postalCode country }"
SHOWN = {
    "Product": f"sku name category price {MONEY} discontinued available inStock addedAt version position",
    "Customer": f"""name email address {ADDRESS} closed registeredAt orderCount lifetimeSpend {MONEY}
        lastOrder {{ placedAt orderId }} version""",
    "Order": f"""customer {{ name customerId }} shipTo {ADDRESS} units total {MONEY} status placedAt paidAt
        lines {{ sku title quantity discount total {MONEY} productId }} timeline {{ status at actor }}""",
    "OrderSummary": f"customerName status placedAt lineCount total {MONEY} orderId customerId",
    "Activity": "type summary at actor stream streamVersion eventId commandId position subject",
}
LISTS = {"Product": "products", "Customer": "customers", "OrderSummary": "orders", "Activity": "activity"}


def falsified(document: dict[str, Any], random: Random) -> dict[str, Any]:
    """The document with something in it missing, or what it never is."""
    changed = deepcopy(document)
    place: Any = changed
    while True:
        key = random.choice(
            [key for key in (place if isinstance(place, dict) else range(len(place))) if key != "_id"]
        )
        if isinstance(place[key], dict | list) and place[key] and random.random() < 0.7:
            place = place[key]
        elif isinstance(place, dict) and random.random() < 0.25:
            del place[key]
            return changed
        else:
            place[key] = random.choice([*FALSE, Decimal128("NaN"), Decimal128("1E+30")])
            return changed


async def test_documents_that_do_not_fit_are_left_to_graphql_core(mongo_url: str, quiet: Quiet) -> None:
    circle, _ = quiet
    comparison, random = Comparison(circle), Random(1)
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongo_url)
    for name, shown in SHOWN.items():
        collection = client["compiled"][COLLECTIONS[name].stored_as]
        documents = await collection.find().to_list(None)
        listed = LISTS.get(name)
        texts = [
            f"query ($id: ID!) {{ node(id: $id) {{ __typename id ... on {name} {{ {shown} }} }} }}",
            f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {name} {{ {shown} }} }} }}",
            f"{{ {listed}(first: 100) {{ totalCount edges {{ cursor node {{ {shown} }} }} }} }}"
            if listed
            else "",
        ]
        for _ in range(25):
            document = random.choice(documents)
            await collection.replace_one({"_id": document["_id"]}, falsified(document, random))
            id = global_id(name, document["_id"])
            for text in filter(None, texts):
                await comparison.compare(Operation(text, None, [{"id": id, "ids": [id, id]}]))
            await collection.replace_one({"_id": document["_id"]}, document)
    client.close()
    counts = comparison.counts
    assert counts["with errors"] > 100, counts
    assert counts["compiled with errors"] == 0, counts
    assert counts["compiled"] > 100, counts
