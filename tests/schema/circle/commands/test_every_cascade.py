"""A cascade names whatever its command changes in any answer: shown with a cache of every field there is."""

import re
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from graphql import (
    GraphQLField,
    get_named_type,
    is_enum_type,
    is_leaf_type,
    is_required_argument,
)

from app.config import Settings
from app.cqrs.viewers import OPEN, Viewer
from app.graphql.execution.context import Context
from app.graphql.execution.operation import Operation
from app.graphql.internals.strawberry import core_schema
from app.graphql.streaming.streams import Streams
from schema.circle.ids import key_of
from schema.circle.nodes import node_types
from schema.root import schema
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.viewers import customer

pytestmark = pytest.mark.campaign

core = core_schema(schema)
assert core.query_type
assert core.mutation_type
CASCADE = "cascade { changed { type nodeId } removed { type nodeId } fields { type name } }"
NOTHING: dict[str, Any] = {"changed": [], "removed": [], "fields": []}
OF_CUSTOMERS = ("updateCustomer", "placeOrder", "cancelOrder", "sendCommands")
"""Mutations that customers may send for themselves."""

OF_NO_DOCUMENT = {"commandStatus", "events", "freshness", "rebuildProgress", "serviceStatus", "skippedEvents"}
"""Root fields that show other things than documents: the log, read models and the process."""
AS = "_way_"
"""Between the name of a field and a number in its aliases."""

Cache = dict[tuple[str, str], Any]
"""The values of a normalised cache: by the id of an object, or an aliased root field, and the field."""


def selection(kind: Any, *, in_node: bool = False) -> str:
    """Select every field, lists within objects in several ways, and the ids of objects behind others."""
    selected = []
    for name, field in kind.fields.items():
        if any(is_required_argument(each) for each in field.args.values()):
            continue
        ways = [*conditions_of(field, "first: 10")] if in_node and "filter" in field.args else [""]
        for number, given in enumerate(ways):
            called = f"{name}{AS}{number}: {name}({given})" if given else name
            selected.append(f"{called} {_inner(field, in_node=in_node)}")
    return " ".join(selected)


def _inner(field: GraphQLField, *, in_node: bool) -> str:
    kind: Any = get_named_type(field.type)
    if is_leaf_type(kind):
        return ""
    if kind.name not in {*node_types(), "Node"}:
        return f"{{ {selection(kind, in_node=in_node)} }}"
    is_list = "[" in str(field.type)
    own = selection(kind, in_node=True) if is_list and not in_node else ""
    return f"{{ __typename id {own} }}"


def arguments_of(field: GraphQLField) -> Iterator[str]:
    """Yield arguments for a list: the default ones, each order, and those with a simple condition."""
    size = "first: 10" if "first" in field.args else ""
    sort: Any = get_named_type(field.args["orderBy"].type) if "orderBy" in field.args else None
    for order in get_named_type(sort.fields["field"].type).values if sort else ():
        yield f"{size} orderBy: {{ field: {order}, direction: DESC }}"
    yield from conditions_of(field, size)


def conditions_of(field: GraphQLField, size: str) -> Iterator[str]:
    """Yield arguments for a list: without a condition, and with each value of a simple one."""
    yield size
    conditions: Any = get_named_type(field.args["filter"].type) if "filter" in field.args else None
    for name, condition in conditions.fields.items() if conditions else ():
        kind: Any = get_named_type(condition.type)
        values = kind.values if is_enum_type(kind) else {"Boolean": ("true", "false")}.get(kind.name, ())
        for value in values:
            listed = f"[{value}]" if "[" in str(condition.type) else value
            yield f"{size} filter: {{ {name}: {listed} }}"


class Known:
    """The objects that commands and look-ups name."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.sku, self.email = uuid4().hex.upper(), f"{uuid4().hex}@example.com"
        self.ids: dict[str, str] = {}

    async def prepare(self) -> None:
        self.ids = {
            "tea": await self.shop.product(stock=20),
            "milk": await self.shop.product(stock=20),
            "old": await self.shop.product(),
            "ada": await self.shop.customer(name="Ada"),
            "eve": await self.shop.customer(name="Eve"),
        }
        for name in ("placed", "to pay", "to ship", "to cancel", "of eve"):
            owner = self.ids["eve" if name == "of eve" else "ada"]
            self.ids[name] = await self.shop.order(customer=owner, product=self.ids["tea"])
        await self.shop.client.mutate("payOrder", "", orderId=self.ids["to ship"])

    def lookups(self) -> dict[str, list[str]]:
        """The arguments of the root fields that look for single objects."""
        ids = self.ids
        every = ", ".join(f'"{each}"' for each in ids.values())
        return {
            "product": [f'id: "{ids["tea"]}"', f'sku: "{self.sku}"'],
            "customer": [f'id: "{ids["ada"]}"', f'email: "{self.email}"'],
            "me": [""],
            "order": [f'id: "{ids["to pay"]}"', f'id: "{ids["of eve"]}"'],
            "node": [f'id: "{each}"' for each in ids.values()],
            "nodes": [f"ids: [{every}]"],
        }

    def inputs(self) -> dict[str, dict[str, Any]]:
        """The input of each mutation that sends a command."""
        ids = self.ids
        lines = [{"productId": ids["milk"], "quantity": 2}]
        added = {"name": "Kettle", "category": "Kitchen", "unitPrice": {"amount": "9.90"}}
        return {
            "addProduct": {"sku": self.sku, **added},
            "updateProduct": {"productId": ids["milk"], "name": "Zinc", "category": "Elsewhere"},
            "changePrice": {"productId": ids["tea"], "unitPrice": {"amount": "77.00"}},
            "receiveStock": {"productId": ids["old"], "quantity": 3},
            "adjustStock": {"productId": ids["tea"], "change": -1, "reason": "broken"},
            "discontinueProduct": {"productId": ids["old"]},
            "registerCustomer": {"name": "Grace"},
            "updateCustomer": {"customerId": ids["ada"], "name": "Zoe", "email": self.email},
            "placeOrder": {"customerId": ids["ada"], "lines": lines},
            "payOrder": {"orderId": ids["to pay"]},
            "shipOrder": {"orderId": ids["to ship"]},
            "cancelOrder": {"orderId": ids["to cancel"], "reason": "too late"},
            "closeCustomer": {"customerId": ids["eve"]},
            "forgetCustomer": {"customerId": ids["eve"], "despiteOpenOrders": True},
            "sendCommands": {
                "commands": [
                    {"registerCustomer": {"name": "Hal"}},
                    {"placeOrder": {"customerId": ids["ada"], "lines": lines}},
                    {"receiveStock": {"productId": ids["milk"], "quantity": 0}},
                ]
            },
        }


class Page:
    """Everything that a viewer can show of the shop, as a normalised cache keeps it."""

    def __init__(self, service: Service, viewer: Viewer, known: Known) -> None:
        self._service = service
        self._streams = Streams(service.operations)
        self._viewer = viewer
        self._known = known
        self.token = ""

    async def send(self, text: str, variables: dict[str, Any] | None = None) -> Any:
        context = Context(self._service.circle, self._viewer, sent_tokens=self.token)
        asked = Operation(query=text, variables=variables or {})
        async with aclosing(self._streams.open(asked, context)) as answers:
            answer = orjson.loads((await anext(answers)).body)
        refused = [each for each in answer.get("errors", ()) if "may ask" not in each["message"]]
        assert not refused, (text, refused)
        self.token = max(self.token, context.token_to_return or "")
        return answer.get("data") or {}

    async def read(self) -> Cache:
        cache: Cache = {}
        lookups = self._known.lookups()
        for name, field in core.query_type.fields.items():  # type: ignore[union-attr]
            if name in OF_NO_DOCUMENT:
                continue
            kind: Any = get_named_type(field.type)
            inner = "__typename id" if kind.name == "Node" else selection(kind, in_node=name in lookups)
            typename = "__typename id" if name in lookups else ""
            for given in lookups.get(name) or arguments_of(field):
                called = f"{name}({given})" if given else name
                data = await self.send(f"{{ {called} {{ {typename} {inner} }} }}")
                cache["Query", called] = _normalised(data.get(name), cache)
        return cache


def _normalised(value: Any, cache: Cache) -> Any:
    """Return a value with references in the place of objects, whose fields are put into the cache."""
    if isinstance(value, list):
        return [_normalised(each, cache) for each in value]
    if not isinstance(value, dict):
        return value
    fields = {name: _normalised(each, cache) for name, each in value.items()}
    if "__typename" not in fields:
        return fields
    reference = f"{fields.pop('__typename')}:{fields.pop('id')}"
    cache.update({(reference, name): each for name, each in fields.items()})
    return reference


def uncovered(before: Cache, after: Cache, cascade: Any) -> set[tuple[str, str]]:
    """Return the values that are others now, and that the cascade does not name."""
    named = {f"{each['type']}:{each['nodeId']}" for each in (*cascade["changed"], *cascade["removed"])}
    fields = {(each["type"], each["name"]) for each in cascade["fields"]}
    return {
        (owner, field)
        for (owner, field), value in before.items()
        if (owner, field) in after and after[owner, field] != value
        if owner not in named and (owner.partition(":")[0], re.split(rf"\(|{AS}", field)[0]) not in fields
    }


@pytest.fixture
async def service(mongo_url: str, tmp_path: Path) -> Any:
    """A service of its own, so that every list shows every object."""
    settings = Settings(data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name)
    async with serving(settings) as running:
        yield running


def test_every_command_is_tried() -> None:
    sending = {
        name
        for name, field in core.mutation_type.fields.items()  # type: ignore[union-attr]
        if "cascade" in getattr(get_named_type(field.type), "fields", {})
    }
    known = Known(Shop(Client("", None)))  # type: ignore[arg-type]
    known.ids = dict.fromkeys(
        ["tea", "milk", "old", "ada", "eve", "placed", "to pay", "to ship", "to cancel", "of eve"], "?"
    )
    assert known.inputs().keys() == sending


@pytest.mark.parametrize("by_customer", [False, True])
async def test_a_cascade_names_every_value_that_the_command_changes(
    service: Service, *, by_customer: bool
) -> None:
    known = Known(Shop(service.client))
    await known.prepare()
    viewer = customer(key_of("Customer", known.ids["ada"])) if by_customer else OPEN
    page = Page(service, viewer, known)
    page.token = service.client.seen
    shown, values = await page.read(), 0
    for name, input in known.inputs().items():
        if by_customer and name not in OF_CUSTOMERS:
            continue
        kind = f"{name[0].upper()}{name[1:]}Input"
        text = f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {CASCADE} errors {{ code }} }} }}"
        payload = (await page.send(text, {"input": input}))[name]
        assert name == "sendCommands" or payload["errors"] == []
        before, shown = shown, await page.read()
        assert uncovered(before, shown, payload["cascade"]) == set(), name
        changed = uncovered(before, shown, NOTHING)
        assert changed, f"{name} has changed nothing that is shown"
        values += len(changed)
    assert values > (50 if by_customer else 150)
