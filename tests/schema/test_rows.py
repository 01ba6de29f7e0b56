"""A viewer sees what is theirs, and nothing shows that there is more."""

import ast
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from strawberry.types.execution import PreExecutionError

import schema as package
from app.cqrs.documents.audiences import OPERATORS, STAFF, Audience
from app.cqrs.viewers import Scope, Sight, Viewer
from app.graphql.execution.context import Context
from app.read_models.activity import entries
from schema.circle.ids import key_of
from schema.root import schema
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.viewers import BEA, NOBODY, OPAL, customer

QUERY = """query ($ada: ID!, $bob: ID!, $order: ID!, $other: ID!, $row: ID!, $ids: [ID!]!) {
    ada: customer(id: $ada) { name orders { totalCount nodes { id customer { name } } } }
    bob: customer(id: $bob) { name orders { totalCount nodes { id } } }
    customers(filter: { search: "rows" }) { totalCount nodes { name } pageInfo { hasNextPage } }
    order(id: $order) { units }
    other: order(id: $other) { units }
    orders(filter: { customerId: $bob }) { totalCount nodes { units } totals { orders units } }
    row: node(id: $row) { __typename }
    nodes(ids: $ids) { id }
}"""


@dataclass(frozen=True)
class Known:
    """Ada with an order of one unit, and Bob with orders of two and three."""

    service: Service
    tokens: str
    ids: dict[str, str]

    async def ask(self, sight: Sight, whose: str = "", query: str = QUERY) -> Any:
        """What a viewer is answered; `whose` is the name of a customer."""
        key = str(key_of("Customer", self.ids[whose])) if whose else None
        viewer = Viewer(actor="viewer", scope=Scope(sight, key))
        context = Context(self.service.circle, viewer, sent_tokens=self.tokens)
        nodes = [self.ids[name] for name in ("ada", "order", "bob", "other")]
        result = await schema.execute(
            query, variable_values={**self.ids, "ids": nodes}, context_value=context
        )
        assert not result.errors, result.errors
        return result.data


@pytest.fixture
async def known(service: Service, client: Client, shop: Shop) -> Known:
    ids = {"ada": await shop.customer(name="Rows Ada"), "bob": await shop.customer(name="Rows Bob")}
    ids["order"] = await shop.order(customer=ids["ada"])
    ids["other"] = await shop.order(customer=ids["bob"], quantity=2)
    await shop.order(customer=ids["bob"], quantity=3)
    query = "query ($bob: ID!) { orders(filter: { customerId: $bob }, first: 1) { nodes { id } } }"
    ids["row"] = (await client.send(query, ids)).data["orders"]["nodes"][0]["id"]
    return Known(service, client.seen, ids)


async def test_a_customer_sees_themselves_and_their_orders(known: Known) -> None:
    assert await known.ask(Sight.CUSTOMER, "ada") == {
        "ada": {
            "name": "Rows Ada",
            "orders": {
                "totalCount": 1,
                "nodes": [{"id": known.ids["order"], "customer": {"name": "Rows Ada"}}],
            },
        },
        "bob": None,
        "customers": {
            "totalCount": 1,
            "nodes": [{"name": "Rows Ada"}],
            "pageInfo": {"hasNextPage": False},
        },
        "order": {"units": 1},
        "other": None,
        "orders": {"totalCount": 0, "nodes": [], "totals": {"orders": 0, "units": "0"}},
        "row": None,
        "nodes": [{"id": known.ids["ada"]}, {"id": known.ids["order"]}, None, None],
    }
    shown = await known.ask(Sight.CUSTOMER, "bob")
    assert (shown["ada"], shown["order"]) == (None, None)
    assert shown["bob"]["orders"]["totalCount"] == 2
    assert shown["orders"]["totals"] == {"orders": 2, "units": "5"}
    assert shown["row"] == {"__typename": "OrderSummary"}


async def test_the_anonymous_see_no_customer_and_no_order(known: Known) -> None:
    nothing = {"totalCount": 0, "nodes": []}
    assert await known.ask(Sight.ANONYMOUS) == {
        **dict.fromkeys(["ada", "bob", "order", "other", "row"]),
        "customers": {**nothing, "pageInfo": {"hasNextPage": False}},
        "orders": {**nothing, "totals": {"orders": 0, "units": "0"}},
        "nodes": [None] * 4,
    }


@pytest.mark.parametrize("sight", [Sight.STAFF, Sight.OPERATOR])
async def test_staff_see_every_customer_and_every_order(known: Known, sight: Sight) -> None:
    shown = await known.ask(sight)
    assert (shown["ada"]["name"], shown["bob"]["name"]) == ("Rows Ada", "Rows Bob")
    assert [shown["order"], shown["other"]] == [{"units": 1}, {"units": 2}]
    assert None not in shown["nodes"]
    assert shown["orders"]["totals"]["orders"] == 2


@pytest.mark.parametrize("audience", [STAFF, OPERATORS])
async def test_staff_get_no_notice_of_what_only_operators_see(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch, audience: Audience
) -> None:
    monkeypatch.setitem(vars(entries), "seen_by", audience)
    query = """subscription { readModelUpdates(readModels: [ACTIVITY, PRODUCT_LISTING]) {
        ... on DocumentChanged { readModel position } ... on Heartbeat { freshness { position } } } }"""
    context = Context(service.circle, BEA)
    noticed: set[str] = set()
    items = await schema.subscribe(query, context_value=context)
    assert not isinstance(items, PreExecutionError)
    async with aclosing(items):
        await anext(items)  # the first heartbeat
        await shop.product()
        head = await service.circle.log.head()
        async for item in items:
            assert item.data
            update = item.data["readModelUpdates"]
            if "readModel" in update:
                noticed.add(update["readModel"])
            elif all(int(each["position"]) >= head for each in update["freshness"]):
                break
    assert noticed == {"PRODUCT_LISTING", *(["ACTIVITY"] if audience == STAFF else [])}


@pytest.mark.parametrize(
    ("viewer", "names"), [(NOBODY, False), (customer("a"), False), (BEA, True), (OPAL, True)], ids=str
)
async def test_staff_alone_are_told_who_placed_an_order(known: Known, viewer: Viewer, names: bool) -> None:
    if viewer.scope.customer:
        viewer = customer(key_of("Customer", known.ids["ada"]))
    query = "query ($order: ID!) { order(id: $order) { units placedBy timeline { actor } } }"
    context = Context(known.service.circle, viewer, sent_tokens=known.tokens)
    result = await schema.execute(query, variable_values={"order": known.ids["order"]}, context_value=context)
    if viewer is NOBODY:
        assert (result.data, result.errors) == ({"order": None}, None)
        return
    told = {"placedBy": "anonymous" if names else None, "timeline": [{"actor": "anonymous" if names else ""}]}
    assert result.data == {"order": {"units": 1, **told}}
    codes = [(error.path, (error.extensions or {})["code"]) for error in result.errors or []]
    assert codes == ([] if names else [(["order", "placedBy"], "FORBIDDEN")])


async def test_a_field_that_a_buyer_may_not_ask_for_is_no_failure_of_what_they_bought(
    known: Known, shop: Shop
) -> None:
    viewer = customer(key_of("Customer", known.ids["ada"]))
    bought = {
        "customerId": known.ids["ada"],
        "lines": [{"productId": await shop.product(stock=1), "quantity": 1}],
    }
    query = "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { order { units placedBy } } }"
    context = Context(known.service.circle, viewer)
    result = await schema.execute(query, variable_values={"input": bought}, context_value=context)
    assert result.data == {"placeOrder": {"order": {"units": 1, "placedBy": None}}}
    [error] = result.errors or []
    assert error.message.startswith("Only staff and operators may ask for this field.")
    assert (error.extensions or {})["code"] == "FORBIDDEN"


def test_no_part_of_the_schema_reads_documents_past_their_audience() -> None:
    """The circle's own reader knows no viewer; `Reading` and `Live` do."""
    for file in Path(package.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Attribute(value=ast.Call(func=ast.Attribute(attr="uncached_circle")), attr=name):
                    assert name != "documents", file
                case ast.Attribute(value=ast.Name(id="circle"), attr=name):
                    assert name != "documents", file
