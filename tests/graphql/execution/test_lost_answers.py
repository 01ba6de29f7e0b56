"""A command whose outcome nobody knows: the error says with which id it may safely be sent again."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.cqrs.commands import bus as command_bus
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.commands.write_store import Conflict
from app.cqrs.reading.reading import Reading
from app.cqrs.unavailable import ReadStoreUnavailable
from app.graphql.internals.strawberry import core_schema
from app.stores.sql.transactions import SqlWork
from schema.root import schema
from tests.inprocess import Service
from tests.schema.shop import Shop

commit = SqlWork.commit


async def loses_its_answer(work: SqlWork, fingerprint: str) -> Receipt:
    await commit(work, fingerprint)
    raise ConnectionResetError


async def stumbles_afterwards(work: SqlWork, fingerprint: str) -> Receipt:
    await commit(work, fingerprint)
    raise RuntimeError("Rua da Alegria 27")


async def is_overtaken(_work: SqlWork, _fingerprint: str) -> Receipt:
    raise Conflict("Another transaction was first.")


async def known(shop: Shop) -> dict[str, dict[str, Any]]:
    """What each mutation may be sent, but for its commandId."""
    product, customer, paid = await shop.product(stock=9), await shop.customer(), await shop.order()
    assert (await shop.client.mutate("payOrder", "", orderId=paid))["errors"] == []
    price = {"amount": "2.00"}
    return {
        "addProduct": {"sku": uuid4().hex, "name": "Pear", "category": "Fruit", "unitPrice": price},
        "updateProduct": {"productId": product, "name": "Plum"},
        "changePrice": {"productId": product, "unitPrice": price},
        "discontinueProduct": {"productId": await shop.product()},
        "receiveStock": {"productId": product, "quantity": 1},
        "adjustStock": {"productId": product, "change": -1, "reason": "Broken"},
        "registerCustomer": {"name": "Ada"},
        "updateCustomer": {"customerId": customer, "name": "Eve"},
        "closeCustomer": {"customerId": await shop.customer()},
        "forgetCustomer": {"customerId": await shop.customer()},
        "placeOrder": {"customerId": customer, "lines": [{"productId": product, "quantity": 1}]},
        "payOrder": {"orderId": await shop.order()},
        "shipOrder": {"orderId": paid},
        "cancelOrder": {"orderId": await shop.order()},
    }


def mutation(name: str, shown: str = "") -> str:
    type_name = name[0].upper() + name[1:] + "Input"
    return f"""mutation ($input: {type_name}!) {{ {name}(input: $input) {{
        {shown} receipt {{ commandId events {{ type }} }} errors {{ code }} }} }}"""


async def test_every_mutation_says_with_which_id_it_may_be_sent_again(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = await known(shop)
    mutations = core_schema(schema).mutation_type
    assert mutations
    operating = {"retryReadModel", "skipEvent", "revokeTokens"}
    others = operating | {"rebuildReadModel", "abortRebuild", "rollBackReadModel"}
    others.add("sendCommands")
    assert {*inputs, *others} == set(mutations.fields), "but those that send no command, or a list of any"
    for name, input in inputs.items():
        before = await service.circle.log.head()
        with monkeypatch.context() as patch:
            patch.setattr(SqlWork, "commit", loses_its_answer)
            lost = await shop.client.send(mutation(name), {"input": input})
        [error] = lost.body["errors"]
        id = error["extensions"]["commandId"]
        assert (error["path"], error["extensions"]["code"]) == ([name], "WRITE_STORE_UNAVAILABLE")
        assert f"Try again. With the commandId {id} the command takes effect once" in error["message"]
        after = await service.circle.log.head()
        assert after > before, "it took effect"

        again = (await shop.client.send(mutation(name), {"input": {**input, "commandId": id}})).data[name]
        assert again["errors"] == []
        assert again["receipt"]["commandId"] == id
        assert len(again["receipt"]["events"]) == after - before
        assert await service.circle.log.head() == after, "and took effect once"


@pytest.mark.parametrize(
    ("fails", "code"),
    [
        (loses_its_answer, "WRITE_STORE_UNAVAILABLE"),
        (is_overtaken, "CONFLICT"),
        (stumbles_afterwards, "INTERNAL"),
    ],
)
@pytest.mark.parametrize("own_id", [None, uuid4()], ids=["given", "own"])
async def test_whatever_fails_the_id_is_told_in_words_too(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fails: Callable[..., Any],
    code: str,
    own_id: UUID | None,
) -> None:
    customer = await shop.customer()
    input: dict[str, Any] = {"customerId": customer, "name": uuid4().hex}
    if own_id:
        input["commandId"] = str(uuid4())
    monkeypatch.setattr(command_bus, "ATTEMPTS", 2)
    with monkeypatch.context() as patch:
        patch.setattr(SqlWork, "commit", fails)
        lost = await shop.client.send(mutation("updateCustomer"), {"input": input})
    [error] = lost.body["errors"]
    id = error["extensions"]["commandId"]
    assert error["extensions"]["code"] == code
    assert error["message"].count(id) == 1
    assert id == input.get("commandId", id)
    assert "Rua da Alegria" not in caplog.text + str(lost.body)
    again = await shop.client.send(mutation("updateCustomer"), {"input": {**input, "commandId": id}})
    receipt = again.data["updateCustomer"]["receipt"]
    assert [event["type"] for event in receipt["events"]] == ["CustomerUpdated"]


async def test_the_id_is_that_of_the_command_of_a_request_that_failed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = iter([False, True])

    async def loses_the_second_answer(work: SqlWork, fingerprint: str) -> Receipt:
        return await (loses_its_answer if next(fails) else commit)(work, fingerprint)

    monkeypatch.setattr(SqlWork, "commit", loses_the_second_answer)
    lost = await shop.client.send(
        """mutation { addProduct(input: {sku: "LOST-1", name: "Pear", category: "Fruit",
            unitPrice: {amount: 1}}) { receipt { commandId } }
        other: registerCustomer(input: {name: "Ivy"}) { receipt { commandId } } }"""
    )
    [error] = lost.body["errors"]
    assert error["path"] == ["other"]
    monkeypatch.undo()
    status = await shop.client.send(
        "query ($id: UUID!) { commandStatus(commandId: $id) { receipt { events { type } } } }",
        {"id": error["extensions"]["commandId"]},
    )
    assert status.data["commandStatus"]["receipt"]["events"] == [{"type": "CustomerRegistered"}]


async def test_a_mutation_through_a_socket_is_told_the_id_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqlWork, "commit", loses_its_answer)
    async with shop.client.subscribe(mutation("registerCustomer"), {"input": {"name": "Ada"}}) as answers:
        message = await answers.message()
    [error] = message["payload"]["errors"]
    assert UUID(error["extensions"]["commandId"])
    assert error["extensions"]["commandId"] in error["message"]


async def test_who_can_not_read_back_is_told_that_the_command_took_effect(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def does_not_answer(*_: object, **__: object) -> None:
        raise ReadStoreUnavailable("The read store does not answer. Try again.")

    monkeypatch.setattr(Reading, "get", does_not_answer)
    query = mutation("registerCustomer", "customer { name }")
    answer = await shop.client.send(query, {"input": {"name": "Ada"}})
    payload, [error] = answer.body["data"]["registerCustomer"], answer.body["errors"]
    id = payload["receipt"]["commandId"]
    assert (payload["customer"], error["path"]) == (None, ["registerCustomer", "customer"])
    assert error["extensions"] == {"code": "READ_STORE_UNAVAILABLE", "commandId": id}
    assert error["message"].startswith(f"The command took effect (commandId {id}), but ")


async def test_a_query_is_told_of_no_command(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def does_not_answer(*_: object, **__: object) -> None:
        raise ReadStoreUnavailable("The read store does not answer. Try again.")

    monkeypatch.setattr(Reading, "page", does_not_answer)
    answer = await shop.client.send("{ customers { nodes { id } } }")
    assert answer.codes == ["READ_STORE_UNAVAILABLE"]
    assert "commandId" not in json.dumps(answer.body)
