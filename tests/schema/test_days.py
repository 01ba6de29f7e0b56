"""Days are those of the shop's time zone: in conditions of lists, and in sales, also after a change of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop

PLACED = {
    "late on the 7th": "2026-03-08T04:59:00.000Z",
    "first of the 8th": "2026-03-08T05:00:00.000Z",
    "last of the 8th": "2026-03-09T03:59:59.999Z",  # The clocks were set forward: the day has 23 hours.
    "first of the 9th": "2026-03-09T04:00:00.000Z",
}
"""The moments of orders, by what they are in New York."""

ORDERS = """query ($filter: OrderFilter, $own: CustomerOrderFilter, $customer: ID!) {
    orders(filter: $filter) { nodes { placedAt } totals { orders } }
    customer(id: $customer) { orders(filter: $own) { nodes { placedAt } } } }"""
SALES = (
    "query ($first: Date, $last: Date) { sales(firstDay: $first, lastDay: $last) { timeZone total { orders }\
    byDay { nodes { day orders } } } }"
)


def settings_in(zone: str, folder: Path, mongo_url: str) -> Settings:
    return Settings(
        data_dir=folder,
        mongodb_url=mongo_url,
        mongodb_database=folder.name,
        time_zone=zone,
        read_cache_mb=1,
    )


async def fill(client: Client) -> str:
    """The id of the customer who has placed the orders."""
    shop = Shop(client)
    customer, product = await shop.customer(), await shop.product(stock=9)
    for at in PLACED.values():
        lines = [{"productId": product, "quantity": 1}]
        placed = await client.mutate("placeOrder", "", customerId=customer, lines=lines, placedAt=at)
        assert placed["errors"] == []
    return customer


@dataclass(frozen=True)
class InNewYork:
    service: Service
    customer: str

    async def names(self, **asked: Any) -> list[str]:
        """What the orders that meet a condition are, in either list, from the first to the last."""
        variables = {"filter": asked, "own": asked, "customer": self.customer}
        answer = (await self.service.client.send(ORDERS, variables)).data
        listed = [node["placedAt"] for node in answer["orders"]["nodes"]]
        assert listed == [node["placedAt"] for node in answer["customer"]["orders"]["nodes"]]
        assert answer["orders"]["totals"]["orders"] == len(listed)
        return [name for name, at in PLACED.items() if at in listed]


@pytest.fixture(scope="module")
async def new_york(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[InNewYork]:
    settings = settings_in("America/New_York", tmp_path_factory.mktemp("new-york"), mongo_url)
    async with serving(settings) as running:
        yield InNewYork(running, await fill(running.client))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"firstDay": "2026-03-08", "lastDay": "2026-03-08"}, ["first of the 8th", "last of the 8th"]),
        ({"firstDay": "2026-03-09"}, ["first of the 9th"]),
        ({"lastDay": "2026-03-07"}, ["late on the 7th"]),
        ({"firstDay": "0001-01-01", "lastDay": "9999-12-31"}, [*PLACED]),
        ({"firstDay": None, "lastDay": None}, [*PLACED]),
        ({}, [*PLACED]),
        (None, [*PLACED]),
    ],
)
async def test_orders_are_found_by_the_days_of_the_shop(
    new_york: InNewYork, asked: dict[str, str] | None, found: list[str]
) -> None:
    assert await new_york.names(placedOn=asked) == found


async def test_days_and_moments_together_leave_what_is_in_both(new_york: InNewYork) -> None:
    day = {"firstDay": "2026-03-08", "lastDay": "2026-03-08"}
    later, earlier = "2026-03-08T05:00:00.001Z", "2026-03-07T00:00:00.000Z"
    assert await new_york.names(placedOn=day, placedFrom=later) == ["last of the 8th"]
    assert await new_york.names(placedOn=day, placedFrom=earlier, placedTo=later) == ["first of the 8th"]
    assert await new_york.names(placedOn=day, placedTo=earlier) == []


async def test_days_in_the_wrong_order_are_refused(new_york: InNewYork) -> None:
    wrong = {"firstDay": "2026-03-08", "lastDay": "2026-03-07"}
    for query in (
        "query ($on: DayRange) { orders(filter: { placedOn: $on }) { totalCount } }",
        "query ($on: DayRange) { activity(filter: { on: $on }) { totalCount } }",
    ):
        answer = await new_york.service.client.send(query, {"on": wrong})
        assert answer.codes == ["BAD_USER_INPUT"]
        assert "firstDay is 2026-03-08, which is beyond lastDay" in answer.body["errors"][0]["message"]


async def test_the_audit_trail_is_filtered_by_days(new_york: InNewYork) -> None:
    query = "query ($on: DayRange) { activity(filter: { on: $on }) { totalCount } }"
    for on, some in (({"firstDay": "2000-01-01"}, True), ({"lastDay": "2000-01-01"}, False)):
        answer = await new_york.service.client.send(query, {"on": on})
        assert (answer.data["activity"]["totalCount"] > 0) is some


async def test_sales_have_the_days_that_lists_have(new_york: InNewYork) -> None:
    sales = (await new_york.service.client.send(SALES)).data["sales"]
    assert sales["timeZone"] == "America/New_York"
    for day in sales["byDay"]["nodes"]:
        of_day = {"firstDay": day["day"], "lastDay": day["day"]}
        assert day["orders"] == len(await new_york.names(placedOn=of_day)) > 0
    one = {"first": "2026-03-08", "last": "2026-03-08"}
    assert (await new_york.service.client.send(SALES, one)).data["sales"]["total"] == {"orders": 2}


async def test_a_change_of_the_time_zone_has_sales_built_anew_and_a_change_back_finds_them(
    mongo_url: str, tmp_path: Path
) -> None:
    days = {
        "UTC": {"2026-03-08": 2, "2026-03-09": 2},
        "America/New_York": {"2026-03-07": 1, "2026-03-08": 2, "2026-03-09": 1},
    }
    token = ""
    for zone in ("UTC", "America/New_York", "UTC"):
        async with serving(settings_in(zone, tmp_path, mongo_url)) as service:
            if not token:
                await fill(service.client)
                await service.client.send("{ sales { total { orders } } }")
                token = service.client.seen
            sales = (await service.client.send(SALES, token=token)).data["sales"]
            assert (sales["timeZone"], sales["total"]) == (zone, {"orders": 4})
            assert {each["day"]: each["orders"] for each in sales["byDay"]["nodes"]} == days[zone]
