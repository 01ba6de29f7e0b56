"""The log through GraphQL: operators find events and their causes, and no personal data."""

import re
from typing import Any
from uuid import uuid4

import pytest

from schema.circle.ids import key_of
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop

EVENTS = """query Events(
    $filter: RecordedEventFilter, $first: Int, $after: String, $last: Int, $before: String
) {
    events(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { position } }
        nodes {
            position eventId type stream streamVersion subject at actor commandId correlationId causationId
            problem fields { name value isPersonal }
        }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        searchedTo
    } }"""


async def events(client: Client, **variables: Any) -> Any:
    return (await client.send(EVENTS, variables)).data["events"]


async def test_operators_read_an_event_with_its_cause_and_without_personal_data(
    client: Client, shop: Shop
) -> None:
    words = {
        "name": "Ondine Maskenball",
        "email": f"{uuid4().hex}@maskenball.example",
        "phone": "+49 555 0199",
    }
    customer = await shop.customer(**words)
    product = await shop.product(stock=5, price="3.00")
    await shop.order(customer=customer, product=product, quantity=2)
    stream = f"customer-{key_of('Customer', customer)}"
    [registered] = (await events(client, filter={"stream": stream}))["nodes"]
    assert (registered["type"], registered["streamVersion"]) == ("CustomerRegistered", 1)
    assert registered["subject"] == customer
    assert registered["fields"][1] == {"name": "personal", "value": None, "isPersonal": True}

    [placed] = (await events(client, filter={"types": ["OrderPlaced"]}, first=1))["nodes"]
    by_command = (await events(client, filter={"commandId": placed["commandId"]}))["nodes"]
    assert {event["type"] for event in by_command} == {"StockReserved", "OrderPlaced"}
    assert {event["causationId"] for event in by_command} == {placed["commandId"]}
    fields = {field["name"]: field for field in placed["fields"]}
    assert fields["total"]["value"] == '{"amount":"6.00","currency_code":"USD"}'
    assert fields["personal"]["isPersonal"]
    whole = (await client.send(EVENTS, {"first": 100})).body
    assert "CustomerRegistered" in str(whole)
    assert not re.search("maskenball|555 0199", str(whole), re.IGNORECASE)


async def test_pages_of_the_log_follow_one_another_from_the_newest_event(client: Client, shop: Shop) -> None:
    product = await shop.product()
    for _ in range(3):
        await client.mutate("receiveStock", "", productId=product, quantity=1)
    asked = {"filter": {"stream": f"stock-{key_of('Product', product)}"}, "first": 2}
    newest = await events(client, **asked)
    assert newest["pageInfo"]["hasNextPage"] is True
    assert newest["pageInfo"]["hasPreviousPage"] is False
    assert [edge["node"]["position"] for edge in newest["edges"]] == [n["position"] for n in newest["nodes"]]
    older = await events(client, **asked, after=newest["pageInfo"]["endCursor"])
    assert [event["streamVersion"] for event in [*newest["nodes"], *older["nodes"]]] == [3, 2, 1]
    assert (older["pageInfo"]["hasNextPage"], older["pageInfo"]["hasPreviousPage"]) == (False, True)
    assert await events(client, **asked, after=newest["edges"][-1]["cursor"]) == older

    back = {"filter": asked["filter"], "last": 2}
    oldest = await events(client, **back)
    assert [event["streamVersion"] for event in oldest["nodes"]] == [2, 1]
    assert (oldest["pageInfo"]["hasPreviousPage"], oldest["pageInfo"]["hasNextPage"]) == (True, False)
    newer = await events(client, **back, before=oldest["pageInfo"]["startCursor"])
    assert [event["streamVersion"] for event in newer["nodes"]] == [3]
    assert (newer["pageInfo"]["hasPreviousPage"], newer["pageInfo"]["hasNextPage"]) == (False, True)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"first": 2, "before": "x"}, "Give first with after, or last with before."),
        ({"first": 101}, "first and last take 0 to 100, not 101."),
        ({"after": "nonsense"}, "This cursor is not one of the event log. Send one that `events` returned."),
        ({"filter": {"types": []}}, "types names 0 types of events. Name 1 to 100, or leave it out."),
        (
            {"filter": {"atFrom": "2026-02-01T00:00:00.000Z", "atTo": "2026-01-01T00:00:00.000Z"}},
            "atFrom is 2026-02-01T00:00:00.000Z, which is beyond atTo, 2026-01-01T00:00:00.000Z.",
        ),
    ],
)
async def test_what_can_not_be_found_is_said_to_be_so(
    client: Client, variables: dict[str, Any], said: str
) -> None:
    [error] = (await client.send(EVENTS, variables)).body["errors"]
    assert error["message"].startswith(said)


async def test_the_status_counts_commands_reads_and_subscribers(service: Service) -> None:
    client = service.client
    query = """{ serviceStatus {
        uptime head published mongodRestarts
        readModels { readModel state eventsBehind } lastErrors { readModel at reason }
        commands { command outcome count seconds }
        reads { field cached compiled ordinary } cache { answers bytes capacity }
        subscribers { sockets subscribers items skipped unread } } }"""

    async def status() -> Any:
        return (await client.send(query)).data["serviceStatus"]

    def accepted(status: Any) -> int:
        found = [(each["command"], each["outcome"]) for each in status["commands"]]
        at = (
            found.index(("RegisterCustomer", "ACCEPTED"))
            if ("RegisterCustomer", "ACCEPTED") in found
            else None
        )
        return 0 if at is None else int(status["commands"][at]["count"])

    before = await status()
    await Shop(client).customer(name="Ada")
    await client.send("{ customers { totalCount } }")
    async with client.subscribe("subscription { readModelUpdates { __typename } }") as updates:
        await updates.next()
        after = await status()
    assert accepted(after) == accepted(before) + 1
    assert int(after["head"]) == int(before["head"]) + 1
    assert after["uptime"] > before["uptime"]
    assert int(after["subscribers"]["subscribers"]) == int(before["subscribers"]["subscribers"]) + 1
    assert int(after["subscribers"]["sockets"]) == int(before["subscribers"]["sockets"]) + 1
    counted = {each["field"]: each for each in after["reads"]}
    assert int(counted["serviceStatus"]["ordinary"]) >= 1
    assert "customers" in counted
    assert len(after["readModels"]) == len(service.circle.progress)
