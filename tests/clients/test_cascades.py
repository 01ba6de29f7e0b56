"""After any of the commands no mounted list is stale: with each library's own cache, and the npm package."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from graphql import build_schema, get_named_type

from tests.clients.client import SCHEMA
from tests.clients.shop import Shop
from tests.node import NpmProject
from tests.schema.client import Client as Hand
from tests.schema.shop import Shop as Goods

pytestmark = [pytest.mark.campaign, pytest.mark.parametrize("library", ["apollo", "urql", "relay"])]

OF_PRODUCTS = {"Products", "Dearest", "BySku", "Page"}


class Page:
    """The things that a page shows, and the steps that are taken while it is open."""

    def __init__(self, shop: Shop, node: NpmProject) -> None:
        self._shop = shop
        self._node = node
        self.category, self.sku = f"Mounted {uuid4()}", uuid4().hex.upper()
        self.ids: dict[str, str] = {}

    async def prepare(self) -> None:
        async with httpx.AsyncClient(timeout=90) as http:
            goods = Goods(Hand(self._shop.service.url, http))
            for name in ("tea", "milk", "old"):
                self.ids[name] = await goods.product(stock=20, category=self.category)
            self.ids["ada"], self.ids["eve"] = await goods.customer(), await goods.customer(name="Eve")
            for name in ("paid", "to pay", "to ship", "to cancel", "of eve"):
                owner = self.ids["eve" if name == "of eve" else "ada"]
                self.ids[name] = await goods.order(customer=owner, product=self.ids["tea"])
            for name in ("paid", "to ship"):
                await goods.client.mutate("payOrder", "", orderId=self.ids[name])
            read = "orders { totalCount } customers { totalCount } sales { timeZone } activity { totalCount }"
            await goods.client.send(f"{{ {read} }}")  # which waits until all lists show it

    async def report(self, library: str, *steps: dict[str, Any]) -> list[dict[str, Any]]:
        variables = {
            "category": self.category,
            "sku": self.sku,
            "product": self.ids["old"],
            "order": self.ids["to pay"],
            "customer": self.ids["ada"],
        }
        given = json.dumps({"variables": variables, "steps": steps})
        said = await self._node.run("javascript/cascades/mounted.js", library, self._shop.url, given)
        found: list[dict[str, Any]] = json.loads(said)
        return found

    def steps(self) -> dict[str, dict[str, Any]]:
        """The input of each mutation that sends commands."""
        ids = self.ids
        lines = [{"productId": ids["milk"], "quantity": 2}]
        described = {"name": "Kettle", "category": self.category, "unitPrice": {"amount": "99.90"}}
        return {
            "addProduct": {"sku": self.sku, **described},
            "updateProduct": {"productId": ids["milk"], "name": "Zinc"},
            "changePrice": {"productId": ids["tea"], "unitPrice": {"amount": "177.00"}},
            "receiveStock": {"productId": ids["old"], "quantity": 3},
            "adjustStock": {"productId": ids["tea"], "change": -1, "reason": "broken"},
            "discontinueProduct": {"productId": ids["old"]},
            "registerCustomer": {"name": "Grace"},
            "updateCustomer": {"customerId": ids["ada"], "name": "Zoe"},
            "placeOrder": {"customerId": ids["ada"], "lines": lines},
            "payOrder": {"orderId": ids["to pay"]},
            "shipOrder": {"orderId": ids["to ship"]},
            "cancelOrder": {"orderId": ids["to cancel"], "reason": "too late"},
            "closeCustomer": {"customerId": ids["eve"]},
            "forgetCustomer": {"customerId": ids["eve"], "despiteOpenOrders": True},
            "sendCommands": {
                "commands": [
                    {"receiveStock": {"productId": ids["milk"], "quantity": 30}},
                    {"placeOrder": {"customerId": ids["ada"], "lines": lines}},
                ]
            },
        }


@pytest.fixture
async def page(relay_artifacts: NpmProject, npm_package: NpmProject, shop: Shop) -> Page:
    page = Page(shop, npm_package)
    await page.prepare()
    return page


async def test_after_any_command_no_mounted_list_is_stale(page: Page, library: str) -> None:
    steps = page.steps()
    mutations = build_schema(SCHEMA.read_text()).mutation_type
    assert mutations
    sending = {
        name
        for name, field in mutations.fields.items()
        if "cascade" in getattr(get_named_type(field.type), "fields", {})
    }
    assert steps.keys() == sending
    report = await page.report(library, *({"name": name, "input": input} for name, input in steps.items()))
    assert {each["name"]: each["stale"] for each in report} == {name: [] for name in steps}
    assert all(each["changed"] for each in report)
    changed = {name for each in report for name in each["changed"]}
    assert len(changed) == 11, "each query has shown another answer at least once"
    asked = {each["name"]: {*each["asked"]} for each in report}
    assert not asked["payOrder"] & {*OF_PRODUCTS, "Sales"}
    assert not asked["registerCustomer"] & {*OF_PRODUCTS, "Orders", "Paid", "Order", "Sales"}
    assert "BySku" not in asked["changePrice"]


async def test_without_a_cascade_a_mounted_list_is_stale(page: Page, library: str) -> None:
    step = {"name": "payOrder", "input": page.steps()["payOrder"], "cascade": False}
    [report] = await page.report(library, step)
    assert "Paid" in report["stale"]


async def test_an_answer_that_is_older_than_a_cascade_and_comes_later_is_asked_again(
    page: Page, library: str
) -> None:
    steps = page.steps()
    held = [
        {"name": "payOrder", "input": steps["payOrder"], "held": "Orders"},
        {"name": "changePrice", "input": steps["changePrice"], "held": "Products"},
    ]
    assert [each["stale"] for each in await page.report(library, *held)] == [[], []]


async def test_what_is_asked_after_a_command_shows_it_although_the_same_was_under_way(
    page: Page, library: str
) -> None:
    """Each library gives the answer that is under way to whoever asks the same."""
    step = {"name": "payOrder", "input": page.steps()["payOrder"], "cascade": False}
    [report] = await page.report(library, {**step, "held": "Paid", "again": True})
    assert "Paid" in report["changed"]
    assert "Paid" not in report["stale"]
