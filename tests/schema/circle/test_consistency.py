"""Tokens and freshness: a client reads its own writes, and is told of the lag."""

import asyncio
from uuid import uuid4

import pytest

from app.cqrs.freshness.tokens import Tokens
from app.cqrs.log.history import History
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop

PRODUCT = "query ($id: ID!, $atLeast: [ConsistencyToken!]) { product(id: $id, atLeast: $atLeast) { name } }"


async def test_a_query_with_the_token_as_argument_sees_the_command(client: Client) -> None:
    for number in range(20):
        added = await client.mutate(
            "addProduct", "", sku=f"ARG-{number}", name="Seen", category="C", unitPrice={"amount": "1"}
        )
        variables = {
            "id": added["receipt"]["events"][0]["subject"],
            "atLeast": [added["receipt"]["token"]],
        }
        seen = await client.send(PRODUCT, variables, token=None)
        assert seen.data["product"] == {"name": "Seen"}


async def test_a_query_with_the_token_as_header_sees_the_command(client: Client, shop: Shop) -> None:
    for _ in range(20):
        answer = await client.send(
            """mutation ($input: RegisterCustomerInput!) {
                registerCustomer(input: $input) { receipt { events { subject } } } }""",
            {"input": {"name": "Header"}},
        )
        [event] = answer.data["registerCustomer"]["receipt"]["events"]
        read = await client.send(
            "query ($id: ID!) { customer(id: $id) { name } }", {"id": event["subject"]}, token=answer.token
        )
        assert read.data["customer"] == {"name": "Header"}


async def test_the_payload_reads_the_change_back_in_one_round_trip(client: Client, shop: Shop) -> None:
    product = await shop.product(stock=3)
    for units in range(1, 21):
        received = await client.mutate("receiveStock", "product { onHand }", productId=product, quantity=1)
        assert received["product"]["onHand"] == 3 + units


async def test_a_mutation_answers_with_its_own_token_in_the_header(client: Client) -> None:
    answer = await client.send('mutation { registerCustomer(input: {name: "T"}) { receipt { token } } }')
    assert answer.token == answer.data["registerCustomer"]["receipt"]["token"]


async def test_what_a_refused_command_was_refused_for_is_read_with_its_token(
    service: Service, shop: Shop
) -> None:
    product, reading = await shop.product(stock=1), "query ($id: ID!) { product(id: $id) { version onHand } }"
    for name in ("First", "Second", "Third"):  # as graphql-core answers it, and compiled
        others = await shop.client.mutate(
            "updateProduct", "product { version }", productId=product, name=name
        )
        one = Client(service.client.url, service.client.http)
        refused = await one.mutate(
            "updateProduct",
            "",
            productId=product,
            name="Lost",
            expectedVersion=others["product"]["version"] - 1,
        )
        [error] = refused["errors"]
        assert error["code"] == "VERSION_CONFLICT"
        assert refused["receipt"]["events"] == []
        assert refused["receipt"]["token"] == one.seen
        decode = service.circle.tokens.decode
        assert decode(one.seen).position >= decode(others["receipt"]["token"]).position
        read = await one.send(reading, {"id": product})
        assert read.data["product"]["version"] == error["currentVersion"]


async def test_what_a_command_found_that_changed_nothing_is_read_with_its_token(
    service: Service, shop: Shop
) -> None:
    product = await shop.product()
    gone = await shop.client.mutate("discontinueProduct", "", productId=product)
    one, id = Client(service.client.url, service.client.http), str(uuid4())
    for _ in range(2):  # its repetition gets the same receipt
        again = await one.mutate(
            "discontinueProduct", "product { discontinued }", productId=product, commandId=id
        )
        assert (again["errors"], again["receipt"]["events"]) == ([], [])
        assert again["product"] == {"discontinued": True}
        assert again["receipt"]["token"] == gone["receipt"]["token"] == one.seen


async def test_a_refusal_that_needs_no_look_into_the_log_has_no_token(service: Service) -> None:
    answer = await service.client.send(
        'mutation { payOrder(input: {orderId: "x"}) { receipt { token } } }', token=None
    )
    assert (answer.data["payOrder"]["receipt"]["token"], answer.token) == (None, None)


async def test_a_query_answers_with_the_later_of_asked_and_reflected(service: Service, shop: Shop) -> None:
    await shop.product()
    read = await service.client.send("{ products(first: 1) { totalCount } }")
    assert read.token is not None
    reflected = service.circle.tokens.decode(read.token).position
    assert reflected >= int(read.freshness["PRODUCT_LISTING"]["position"]) > 0

    asked_nothing_of_documents = await service.client.send("{ __typename }", token=read.token)
    assert asked_nothing_of_documents.token == read.token


@pytest.mark.campaign
async def test_requests_that_overlap_keep_the_greatest_token_and_read_their_writes(
    client: Client, shop: Shop
) -> None:
    product = await shop.product()
    receive = "mutation ($input: ReceiveStockInput!) { receiveStock(input: $input) { receipt { token } } }"
    for units in range(1, 16):
        slow_reads = [client.send("{ products { nodes { name } } }") for _ in range(8)]
        write = client.send(receive, {"input": {"productId": product, "quantity": 1}})
        await asyncio.gather(*slow_reads[:4], write, *slow_reads[4:])
        read = await client.send("query ($id: ID!) { product(id: $id) { onHand } }", {"id": product})
        assert read.data["product"]["onHand"] == units


async def test_a_header_may_carry_several_tokens(impatient: Service) -> None:
    service = impatient
    await Shop(service.client).product()
    past = service.circle.tokens.write(1)
    future = service.circle.tokens.write(await service.circle.log.head() + 10)
    both = await service.client.send("{ products { totalCount } }", token=f"{future}, {past}")
    assert both.codes == ["READ_MODEL_BEHIND"]


async def test_a_client_that_echoes_the_token_never_goes_back_in_time(client: Client, shop: Shop) -> None:
    product = await shop.product()
    received = await client.send(
        "mutation ($input: ReceiveStockInput!) { receiveStock(input: $input) { receipt { token } } }",
        {"input": {"productId": product, "quantity": 1}},
    )
    seen, token = 1, received.token

    async def deliver() -> None:
        for _ in range(30):
            await client.mutate("receiveStock", "", productId=product, quantity=1)

    delivering = asyncio.create_task(deliver())
    query = "query ($id: ID!) { product(id: $id) { onHand } }"
    while not delivering.done():
        answer = await client.send(query, {"id": product}, token=token)
        assert answer.data["product"]["onHand"] >= seen
        seen, token = answer.data["product"]["onHand"], answer.token
    await delivering


async def test_a_read_model_that_is_too_far_behind_is_an_error_that_says_so(impatient: Service) -> None:
    service = impatient
    await Shop(service.client).product()
    await service.circle.progress["product_listing"].wait_for(1, seconds=20)
    head = await service.circle.log.head()
    future = service.circle.tokens.write(head + 10)
    variables = {"atLeast": [future], "id": "UHJvZHVjdDowMTkwYTVhYy02ZmQ0LTdjMDctOGZiNS0zNWFjNGIyZThlNGY"}

    answer = await service.client.send(PRODUCT, variables)

    assert answer.status == 200
    assert answer.codes == ["READ_MODEL_BEHIND"]
    [error] = answer.body["errors"]
    assert error["extensions"]["wanted"] == str(head + 10)
    assert error["extensions"]["freshness"]["position"] == str(head)
    assert error["path"] == ["product"]


async def test_garbage_and_other_stores_tokens_are_bad_tokens(service: Service) -> None:
    for bad in (
        "garbage",
        "",
        "🙂",
        Tokens(b"another store", History(service.circle.log)).write(1),
        "A" * 500,
        *(Tokens(b"forged", History(service.circle.log)).write(2**63 + more) for more in (-1, 0, 2**63 - 1)),
    ):
        argument = await service.client.send(
            "query ($t: [ConsistencyToken!]) { products(atLeast: $t) { totalCount } }", {"t": [bad]}
        )
        assert argument.codes == ["BAD_TOKEN"], bad
        header = await service.client.send(
            "{ products { totalCount } }", token=bad if bad.isascii() and bad else "?"
        )
        assert header.codes == ["BAD_TOKEN"], bad
        followed = "subscription ($t: ConsistencyToken) { readModelUpdates(after: $t) { __typename } }"
        async with service.client.subscribe(followed, {"t": bad}) as stream:
            [error] = (await stream.message())["payload"]["errors"]
            assert error["extensions"]["code"] == "BAD_TOKEN", bad


async def test_every_response_says_how_fresh_it_is(client: Client, shop: Shop) -> None:
    await shop.order()
    answer = await client.send("{ products { totalCount } orders { totalCount } }")
    assert set(answer.freshness) == {"PRODUCT_LISTING", "ORDER_LIST"}
    for each in answer.freshness.values():
        assert set(each) == {"readModel", "state", "position", "head", "eventsBehind", "millisecondsBehind"}
    assert (await client.send("{ nonsense }")).body["extensions"] == {"freshness": []}


async def test_freshness_can_be_asked_for_and_reaches_the_head(client: Client, shop: Shop) -> None:
    placed = await client.mutate("registerCustomer", "customer { id }", name="Fresh")
    asked = """{ freshness(readModels: [CUSTOMER_OVERVIEW]) {
        readModel state position head eventsBehind millisecondsBehind } }"""
    [fresh] = (await client.send(asked)).data["freshness"]
    position = placed["receipt"]["events"][-1]["position"]
    assert int(fresh["position"]) >= int(position)
    assert fresh["state"] == "LIVE"
    assert (fresh["eventsBehind"] == 0) == (fresh["millisecondsBehind"] == 0)
