"""Mutations that come again are compiled: they answer as graphql-core does, and take effect once."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.config import Settings
from app.cqrs.reading.pages import Page
from app.cqrs.reading.reading import Reading
from app.stores.sql.transactions import SqlWork
from tests.graphql.execution.test_lost_answers import known, loses_its_answer
from tests.inprocess import Service, serving
from tests.schema.client import Answer
from tests.schema.shop import Shop

SHOWN = {
    "customer": "id name address { city } orderCount orders(first: 3) { totalCount nodes { status } }",
    "order": "id status total { amount } lines { sku quantity } customer { name } timeline { status actor }",
    "product": "id name price { amount currencyCode } available version",
}
MORE = {"order": "orderSummary { id status customer { name } } orderSummaryEdge { cursor node { orderId } }"}
"""What only payloads with this node show, beside it."""

PEAR = {"sku": "PEAR", "name": "Pear", "category": "Fruit", "unitPrice": {"amount": "1.00"}}
ERRORS = (
    "errors { __typename code message path ... on OutOfStock { available } ... on NotFound { missingId } }"
)


def mutation(name: str) -> str:
    """A mutation with all that it may show; its text is new, and so not compiled yet."""
    node = next((each for each in SHOWN if each in name.lower()), "product")
    return f"""mutation ($input: {name[0].upper() + name[1:]}Input!) {{ shown: {name}(input: $input) {{
        __typename {node} {{ {SHOWN[node]} }} {node}Edge {{ cursor node {{ id version }} }}
        {MORE.get(node, "")}
        receipt {{ commandId token events {{ type subject subjectNode {{ id }} }} }}
        {ERRORS} }} }} # {uuid4()}"""


async def sent(service: Service, text: str, *inputs: dict[str, Any]) -> list[Answer]:
    """The answers to one text with each of the inputs; all but the first are compiled."""
    before = service.operations.compiled.answered
    answers = [await service.client.send(text, {"input": each}) for each in inputs]
    assert service.operations.compiled.answered - before == len(inputs) - 1
    return answers


def all_told(answer: Answer) -> Any:
    """What a client is told, but for how fresh it is."""
    return {**answer.body, "extensions": answer.body["extensions"]["cost"], "token": answer.token}


async def test_every_mutation_that_is_repeated_answers_as_at_first(service: Service, shop: Shop) -> None:
    for name, input in (await known(shop)).items():
        before = await service.circle.log.head()
        first, *others = await sent(service, mutation(name), *[{**input, "commandId": str(uuid4())}] * 3)
        assert first.data["shown"]["errors"] == []
        assert [all_told(each) for each in others] == [all_told(first)] * 2
        taken_effect = await service.circle.log.head() - before
        assert taken_effect == len(first.data["shown"]["receipt"]["events"]), name


async def test_a_compiled_mutation_takes_effect_each_time(service: Service, shop: Shop) -> None:
    product, customer = await shop.product(stock=9), await shop.customer()
    inputs = [
        {"customerId": customer, "lines": [{"productId": product, "quantity": quantity}]}
        for quantity in (1, 2, 9, 3)
    ]
    answers = [each.data["shown"] for each in await sent(service, mutation("placeOrder"), *inputs)]
    assert [each["order"] and each["order"]["lines"][0]["quantity"] for each in answers] == [1, 2, None, 3]
    assert [[error["available"] for error in each["errors"]] for each in answers] == [[], [], [6], []]
    assert len({each["receipt"]["commandId"] for each in answers}) == 4


@pytest.mark.parametrize("id", ["nonsense", "T3JkZXI6MDE5MGE1YWMtNmZkNC03YzA3LThmYjUtMzVhYzRiMmU4ZTRm"])
async def test_a_compiled_refusal_is_told_in_the_same_words_and_not_kept(
    mongo_url: str, tmp_path: Path, id: str
) -> None:
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, read_cache_mb=1
    )
    async with serving(settings) as service:
        answers = await sent(service, mutation("payOrder"), *[{"orderId": id}] * 4)
        assert len(service.circle.cache) == 0
    told = [each.data["shown"]["errors"] for each in answers]
    assert told == [told[0]] * 4
    assert told[0]
    assert len({each.data["shown"]["receipt"]["commandId"] for each in answers}) == 4


async def test_mutations_in_one_operation_take_effect_one_after_the_other(
    service: Service, shop: Shop
) -> None:
    product, customer = await shop.product(stock=8), await shop.customer()
    input = {"customerId": customer, "lines": [{"productId": product, "quantity": 3}]}
    text = f"""mutation ($input: PlaceOrderInput!) {{
        first: placeOrder(input: $input) {{ {ERRORS} }}
        second: placeOrder(input: $input) {{ {ERRORS} }} }} # {uuid4()}"""
    [_, answer] = await sent(service, text, input, input)
    assert answer.data["first"]["errors"][0]["available"] == 2
    assert answer.data["second"]["errors"][0]["available"] == 2
    assert list(answer.data) == ["first", "second"]


async def test_a_compiled_mutation_is_sent_with_post_all_the_same(service: Service, shop: Shop) -> None:
    product = await shop.product(stock=1)
    input = f'{{productId: "{product}", quantity: 1}}'
    text = f"mutation {{ receiveStock(input: {input}) {{ receipt {{ token }} }} }}"
    for _ in range(2):
        assert (await service.client.send(text)).codes == []
    before = await service.circle.log.head()
    refused = await service.client.http.get(f"{service.client.url}/graphql", params={"query": text})
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert await service.circle.log.head() == before


async def test_a_compiled_mutation_whose_answer_is_lost_says_with_which_id_it_may_be_sent_again(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, customer = mutation("updateCustomer"), await shop.customer()
    await sent(
        service, text, {"customerId": customer, "name": "Ada"}, {"customerId": customer, "name": "Eve"}
    )
    before = await service.circle.log.head()
    with monkeypatch.context() as patch:
        patch.setattr(SqlWork, "commit", loses_its_answer)
        lost = await service.client.send(text, {"input": {"customerId": customer, "name": "Ivy"}})
    [error] = lost.body["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["shown"], "WRITE_STORE_UNAVAILABLE")
    again = {"customerId": customer, "name": "Ivy", "commandId": error["extensions"]["commandId"]}
    assert (await service.client.send(text, {"input": again})).data["shown"]["errors"] == []
    assert await service.circle.log.head() == before + 1


async def test_a_mutation_is_not_executed_again_where_a_document_does_not_fit(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = await shop.customer()
    await shop.order(customer=customer)
    text, page = mutation("updateCustomer"), Reading.page
    await sent(service, text, *[{"customerId": customer, "name": name} for name in ("Ada", "Eve")])

    async def without_status(*given: Any, **more: Any) -> Page:
        found = await page(*given, **more)
        return replace(found, documents=[{**each, "status": None} for each in found.documents])

    monkeypatch.setattr(Reading, "page", without_status)
    before = await service.circle.log.head()
    answer = await service.client.send(text, {"input": {"customerId": customer, "name": "Ivy"}})
    [error] = answer.body["errors"]
    path = ["shown", "customer", "orders", "nodes", 0, "status"]
    assert (error["path"], error["extensions"]["code"]) == (path, "INTERNAL")
    payload = answer.body["data"]["shown"]
    assert (payload["customer"]["name"], payload["customer"]["orders"]) == ("Ivy", None)
    assert error["extensions"]["commandId"] == payload["receipt"]["commandId"]
    assert await service.circle.log.head() == before + 1


async def test_a_mutation_that_comes_again_through_sockets_is_compiled(service: Service, shop: Shop) -> None:
    text, before = mutation("registerCustomer"), service.operations.compiled.answered
    for name in ("Ada", "Eve", "Ivy"):
        async with service.client.subscribe(text, {"input": {"name": name}}) as answers:
            assert (await answers.next())["customer"]["name"] == name
    assert service.operations.compiled.answered == before + 2


async def test_whoever_may_not_send_a_command_is_told_so_by_a_compiled_mutation_too(
    mongo_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, auth="development"
    )
    async with serving(settings) as service:
        answers = await sent(service, mutation("addProduct"), *[PEAR] * 3)
        assert await service.circle.log.head() == 0
    told = [each.data["shown"]["errors"] for each in answers]
    assert told == [told[0]] * 3
    assert [each["code"] for each in told[0]] == ["NOT_ALLOWED"]
