"""Lists of commands through GraphQL, on both write stores: each with its outcome, and one token for all."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from app.config import Settings
from app.cqrs.viewers import ANONYMOUS, Viewer
from app.graphql.execution.context import Context
from app.stores.sql.groups import SqlGroup
from schema.circle.ids import global_id, key_of
from schema.root import schema
from tests.inprocess import Service, serving
from tests.postgres import Postgres
from tests.schema.client import Answer, Client
from tests.schema.shop import Shop
from tests.viewers import customer

SENT = """mutation ($commands: [CommandInput!]!, $atomic: Boolean! = false) {
  sendCommands(input: { commands: $commands, atomic: $atomic }) {
    token
    results {
      receipt { commandId token events { type subject } }
      errors { __typename code path message }
      changed { __typename id ... on Product { name available } ... on Order { status } }
    }
    errors { __typename code path }
  }
}"""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
async def service(
    request: pytest.FixtureRequest,
    mongo_url: str,
    postgres_server: Postgres,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Service]:
    """A service on each kind of write store."""
    url = await postgres_server.database() if request.param == "postgres" else None
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("lists"),
        database_url=url,
        mongodb_url=mongo_url,
        mongodb_database=f"lists_{request.param}",
    )
    async with serving(settings) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Client:
    return service.client


@pytest.fixture
def shop(client: Client) -> Shop:
    return Shop(client)


def adding(sku: str, **more: Any) -> dict[str, Any]:
    price = {"amount": "2.00"}
    return {"addProduct": {"sku": sku, "name": f"The {sku}", "category": "Lists", "unitPrice": price, **more}}


async def send(client: Client, *commands: dict[str, Any], atomic: bool = False) -> Answer:
    return await client.send(SENT, {"commands": list(commands), "atomic": atomic})


def codes(answer: Answer) -> list[str | None]:
    """Return the code of the first error of each command; `None` if it was accepted."""
    results = answer.data["sendCommands"]["results"]
    return [each["errors"][0]["code"] if each["errors"] else None for each in results]


async def test_each_command_has_its_outcome_and_one_token_covers_all(client: Client, shop: Shop) -> None:
    tea, ada = await shop.product(stock=3), await shop.customer()
    ordered = {"placeOrder": {"customerId": ada, "lines": [{"productId": tea, "quantity": 4}]}}
    name = f"L{uuid4().hex[:10]}".upper()
    for number in range(3):  # as graphql-core answers it, and compiled
        answer = await send(
            client,
            adding(f"{name}-{number}"),
            ordered,
            {"receiveStock": {"productId": tea, "quantity": 1}},
            ordered,
            adding(f"{name}-{number}"),
            {"payOrder": {"orderId": tea}},
        )
        assert answer.status == 200
        payload = answer.data["sendCommands"]
        added, short, received, fourth, duplicate, bad = payload["results"]
        assert codes(answer) == [None, "OUT_OF_STOCK", None, None, "DUPLICATE_SKU", "INVALID_INPUT"]
        assert added["changed"] == {
            "__typename": "Product",
            "id": added["receipt"]["events"][0]["subject"],
            "name": f"The {name}-{number}",
            "available": 0,
        }
        assert short["changed"] is duplicate["changed"] is bad["changed"] is None
        assert short["receipt"]["token"] == added["receipt"]["token"], "one before it may be the reason"
        assert received["changed"]["available"] == 0, "it is shown after all commands of the list"
        assert fourth["changed"]["status"] == "PLACED"
        assert [each["path"] for each in payload["errors"]] == [
            ["input", "commands", "1", "placeOrder", "lines", "0", "quantity"],
            ["input", "commands", "4", "addProduct", "sku"],
            ["input", "commands", "5", "payOrder", "orderId"],
        ]
        assert payload["token"] == fourth["receipt"]["token"] == answer.token
        assert answer.freshness["PRODUCT_LISTING"]["state"] == "LIVE"
        assert answer.body["extensions"]["cost"]["commands"] == 6
        await client.mutate("receiveStock", "", productId=tea, quantity=3)


async def test_one_refusal_rolls_back_an_atomic_list_and_each_entry_says_why(
    client: Client, shop: Shop
) -> None:
    name, tea = f"A{uuid4().hex[:10]}".upper(), await shop.product(stock=1)
    first, second = adding(f"{name}-1", commandId=str(uuid4())), adding(f"{name}-2")
    nothing = {"receiveStock": {"productId": tea, "quantity": 0}}
    for _ in range(3):
        answer = await send(client, first, nothing, second, {"payOrder": {"orderId": "?"}}, atomic=True)
        assert codes(answer) == ["ROLLED_BACK", "INVALID_INPUT", "ROLLED_BACK", "INVALID_INPUT"]
        payload = answer.data["sendCommands"]
        assert payload["results"][0]["receipt"]["token"] == payload["token"] == answer.token
        assert [each["path"][2:] for each in payload["errors"]] == [
            ["1", "receiveStock", "quantity"],
            ["3", "payOrder", "orderId"],
        ]
        rolled_back = payload["results"][0]["errors"][0]
        assert rolled_back["__typename"] == "RolledBack"
        assert rolled_back["path"] == ["input", "commands", "0", "addProduct"]
    answer = await send(client, first, second, atomic=True)
    assert codes(answer) == [None, None]
    assert (await send(client, first, second, atomic=True)).data["sendCommands"]["results"][0] == (
        answer.data["sendCommands"]["results"][0]
    )


async def test_a_list_that_is_sent_again_returns_the_receipts_of_mutations_and_of_lists(
    client: Client, shop: Shop
) -> None:
    name, id = f"R{uuid4().hex[:10]}".upper(), str(uuid4())
    alone = await client.mutate("addProduct", "", **adding(f"{name}-1", commandId=id)["addProduct"])
    commands = [adding(f"{name}-{number}", commandId=str(uuid4())) for number in (2, 3)]
    first = await send(client, adding(f"{name}-1", commandId=id), *commands)
    assert first.data["sendCommands"]["results"][0]["receipt"]["token"] == alone["receipt"]["token"]
    again = await send(client, adding(f"{name}-1", commandId=id), *commands)
    assert again.data["sendCommands"] == first.data["sendCommands"]
    other = await send(client, adding(f"{name}-4", commandId=id))
    assert codes(other) == ["COMMAND_ID_REUSED"]


async def test_what_the_viewer_may_not_send_is_refused_as_data_of_its_entry(
    service: Service, shop: Shop
) -> None:
    ada, bob = await shop.customer(), await shop.customer()
    commands = [
        {"updateCustomer": {"customerId": ada, "phone": "1"}},
        {"updateCustomer": {"customerId": bob, "phone": "2"}},
        {"registerCustomer": {"name": "Eve"}},
    ]

    async def sent_by(viewer: Viewer, **how: Any) -> Any:
        context = Context(service.circle, viewer)
        result = await schema.execute(SENT, {"commands": commands, **how}, context)
        return codes(Answer(200, None, {"data": result.data}))  # type: ignore[arg-type]

    assert await sent_by(customer(key_of("Customer", ada))) == [None, "NOT_FOUND", "NOT_ALLOWED"]
    assert await sent_by(ANONYMOUS, atomic=True) == ["NOT_ALLOWED"] * 3
    mine = customer(key_of("Customer", bob))
    assert await sent_by(mine, atomic=True) == ["NOT_FOUND", "ROLLED_BACK", "NOT_ALLOWED"]


async def test_500_commands_are_one_list_and_more_are_refused(client: Client) -> None:
    name = f"M{uuid4().hex[:10]}".upper()
    commands = [adding(f"{name}-{number}") for number in range(501)]
    answer = await send(client, *commands)
    assert (answer.codes, "data" in answer.body) == (["LIMIT_EXCEEDED"], False)
    assert "may take 501 commands" in answer.body["errors"][0]["message"]
    answer = await send(client, *commands[:500])
    assert codes(answer) == [None] * 500
    names = [each["changed"]["name"] for each in answer.data["sendCommands"]["results"]]
    assert names == [f"The {name}-{number}" for number in range(500)]
    assert codes(await send(client)) == []


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no command": ({}, "exactly one"),
    "two commands": ({"payOrder": {"orderId": "x"}, "shipOrder": {"orderId": "x"}}, "exactly one"),
    "null": ({"payOrder": None}, "must be non-null"),
    "another": ({"pay": {}}, "'pay'"),
}


@pytest.mark.parametrize("name", BAD)
async def test_an_entry_that_is_not_one_command_is_bad_input_that_says_where(
    client: Client, name: str
) -> None:
    entry, said = BAD[name]
    for _ in range(3):
        answer = await send(client, {"payOrder": {"orderId": "x"}}, entry)
        assert set(answer.codes) == {"BAD_USER_INPUT"}
        assert any(
            said in error["message"] and "invalid value at [1]" in error["message"]
            for error in answer.body["errors"]
        ), answer.body


async def test_a_failure_is_an_error_of_its_own_entry_with_the_id_to_send_it_again(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"F{uuid4().hex[:10]}".upper()
    commit = SqlGroup.commit

    async def loses_the_answer(group: SqlGroup) -> Any:
        await commit(group)
        raise ConnectionResetError

    for number in range(3):
        commands = [adding(f"{name}-{number}-{each}", commandId=str(uuid4())) for each in "ab"]
        ids = [each["addProduct"]["commandId"] for each in commands]
        with monkeypatch.context() as patch:
            patch.setattr(SqlGroup, "commit", loses_the_answer)
            lost = await send(client, *commands, {"payOrder": {"orderId": "?"}})
            whole = await send(client, adding(f"{name}-{number}-c", commandId=ids[0]), atomic=True)
        results = lost.body["data"]["sendCommands"]["results"]
        assert results[:2] == [None, None]
        assert results[2]["errors"][0]["code"] == "INVALID_INPUT"
        for place, error in enumerate(lost.body["errors"]):
            assert error["path"] == ["sendCommands", "results", place]
            assert error["extensions"] == {"code": "WRITE_STORE_UNAVAILABLE", "commandId": ids[place]}
            assert ids[place] in error["message"]
        assert codes(whole) == ["COMMAND_ID_REUSED"]
        assert codes(await send(client, *commands)) == [None, None]


async def test_a_failure_of_an_atomic_list_has_the_ids_of_all_its_commands(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"G{uuid4().hex[:10]}".upper()
    commands = [adding(f"{name}-{each}", commandId=str(uuid4())) for each in "ab"]

    async def falls_silent(_group: SqlGroup) -> Any:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(SqlGroup, "commit", falls_silent)
        lost = await send(client, *commands, atomic=True)
    assert lost.body["data"] == {"sendCommands": None}
    [error] = lost.body["errors"]
    assert error["extensions"] == {
        "code": "WRITE_STORE_UNAVAILABLE",
        "commandIds": [each["addProduct"]["commandId"] for each in commands],
    }
    assert codes(await send(client, *commands, atomic=True)) == [None, None]


async def test_the_product_of_a_stranger_type_is_refused_at_its_place(client: Client) -> None:
    answer = await send(client, {"receiveStock": {"productId": global_id("Order", uuid4()), "quantity": 1}})
    [error] = answer.data["sendCommands"]["results"][0]["errors"]
    assert error["path"] == ["input", "commands", "0", "receiveStock", "productId"]
