"""graphql-transport-ws: what breaks the protocol closes the socket with a reason; nothing stays behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.cqrs.live.notices import Notices
from app.graphql.execution.operation import LONGEST_TEXT
from app.graphql.streaming.executing import Operations
from app.graphql.streaming.streams import Streams
from app.graphql.transport.messages import LONGEST_TOKENS
from app.graphql.transport.senders.authentication import Authentication
from app.graphql.transport.socket import MOST_BYTES
from app.graphql.transport.sockets import Sockets
from schema.root import schema
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop

INIT = {"type": "connection_init"}
HELLO = "{ __typename }"
FOLLOW = "subscription { readModelUpdates { __typename } }"


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Any:
    yield
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


def subscribe(query: object = HELLO, id: object = "1", **payload: object) -> dict[str, object]:
    return {"type": "subscribe", "id": id, "payload": {"query": query, **payload}}


def deep(message: str, levels: int = 300) -> str:
    """The message with an object of so many levels in the place of `DEEP`."""
    return message.replace("DEEP", '{"a":' * levels + "1" + "}" * levels)


@asynccontextmanager
async def opened(client: Client, init: object = INIT, **options: Any) -> AsyncIterator[ClientConnection]:
    """A socket, initialised unless `init` is null."""
    url = client.url.replace("http://", "ws://") + "/graphql"
    async with connect(url, **({"subprotocols": ["graphql-transport-ws"]} | options)) as socket:
        if init is not None:
            await send(socket, init)
            assert await receive(socket) == {"type": "connection_ack"}
        yield socket


async def send(socket: ClientConnection, message: object) -> None:
    await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))


async def receive(socket: ClientConnection) -> Any:
    frame = await socket.recv()
    assert isinstance(frame, str), "browsers can't parse binary frames"
    return json.loads(frame)


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the service closes the socket, after what it still had to send."""
    try:
        async with asyncio.timeout(20):
            while True:
                await socket.recv()
    except ConnectionClosed as ended:
        return (ended.rcvd.code, ended.rcvd.reason) if ended.rcvd else (1006, "")


def listeners(service: Service) -> int:
    notices: Notices = service.circle.live._notices
    return sum(len(each) for each in notices._listeners.values())


async def nobody_listens(service: Service) -> None:
    async with asyncio.timeout(20):
        while listeners(service):
            await service.client.send(HELLO)


BROKEN: dict[str, object] = {
    "no JSON": "{",
    "nothing": "",
    "binary": b'{"type": "ping"}',
    "a list": [],
    "a number": "1",
    "null": "null",
    "a string": '"ping"',
    "deep brackets": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "a lone surrogate": '{"type": "\\ud800"}',
    "NaN": '{"type": NaN}',
    "no type": {},
    "a type that is a number": {"type": 1},
    "an unknown type": {"type": "start"},
    "an unknown type of any length": {"type": "x" * 5000},
    "an unknown type of emoji": {"type": "🙂" * 500},
    "a message of the service": {"type": "next", "id": "1", "payload": {}},
    "an error": {"type": "error", "id": "1", "payload": []},
    "no id": {"type": "subscribe", "payload": {"query": HELLO}},
    "an empty id": subscribe(id=""),
    "an id that is null": subscribe(id=None),
    "an id that is an object": subscribe(id={}),
    "an id that is a list": subscribe(id=["1"]),
    "an id that is a number": subscribe(id=1),
    "complete without an id": {"type": "complete"},
    "complete with an object": {"type": "complete", "id": {}},
    "no payload": {"type": "subscribe", "id": "1"},
    "a payload that is null": {"type": "subscribe", "id": "1", "payload": None},
    "a payload that is a string": {"type": "subscribe", "id": "1", "payload": HELLO},
    "a payload that is a list": {"type": "subscribe", "id": "1", "payload": [HELLO]},
    "ping with a string": {"type": "ping", "payload": "x"},
    "a query that is a number": subscribe(1),
    "an empty query": subscribe(" "),
    "no query": {"type": "subscribe", "id": "1", "payload": {}},
    "variables that are a string": subscribe(variables="{}"),
    "variables that are a list": subscribe(variables=[]),
    "an operation name that is a number": subscribe(operationName=1),
    "extensions that are a list": subscribe(extensions=[]),
    "ping with a deep payload": deep('{"type": "ping", "payload": DEEP}'),
    "pong with a deep payload": deep('{"type": "pong", "payload": DEEP}'),
    "connection_init with a deep payload": deep('{"type": "connection_init", "payload": DEEP}'),
    "connection_init with tokens without end": {
        "type": "connection_init",
        "payload": {"Consistency-Token": "A" * (LONGEST_TOKENS + 1)},
    },
    "deep variables": deep('{"type": "subscribe", "id": "1", "payload": {"query": "Q", "variables": DEEP}}'),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_malformed_message_closes_the_socket_with_a_reason(client: Client, name: str) -> None:
    async with opened(client) as socket:
        await send(socket, BROKEN[name])
        code, reason = await closed(socket)
    assert code == 4400
    assert reason


@pytest.mark.parametrize("levels", range(240, 256))
async def test_a_payload_is_sent_back_or_refused_however_deep_it_is(client: Client, levels: int) -> None:
    async with opened(client) as socket:
        await send(socket, deep('{"type": "ping", "payload": DEEP}', levels))
        if levels <= 244:
            assert (await receive(socket))["type"] == "pong"
        else:
            assert await closed(socket) == (4400, "The payload is nested too deeply")


@pytest.mark.parametrize("levels", range(240, 256))
@pytest.mark.parametrize("query", [FOLLOW.replace("subscription", "subscription ($deep: Int)"), HELLO])
async def test_variables_are_taken_or_refused_however_deep_they_are(
    client: Client, query: str, levels: int
) -> None:
    message = json.dumps(subscribe(query)).replace('"payload": {', '"payload": {"variables": DEEP, ')
    async with opened(client) as socket:
        await send(socket, deep(message, levels))
        if levels <= 244:
            answered = await receive(socket)
            assert answered["type"] in ("next", "error")
            assert "INTERNAL" not in json.dumps(answered)
        else:
            assert await closed(socket) == (4400, "variables are nested too deeply. Send fewer levels.")


@pytest.mark.parametrize("payload", ["x", [], 1])
async def test_an_init_with_a_payload_that_is_no_object_closes_the_socket(
    client: Client, payload: object
) -> None:
    async with opened(client, None) as socket:
        await send(socket, {**INIT, "payload": payload})
        assert (await closed(socket))[0] == 4400


async def test_the_order_of_messages_is_kept(client: Client) -> None:
    async with opened(client, None) as socket:
        await send(socket, subscribe())
        assert await closed(socket) == (4401, "Unauthorized")
    async with opened(client) as socket:
        await send(socket, INIT)
        assert (await closed(socket))[0] == 4429
    for id in ("1", "long" * 1000):
        async with opened(client) as socket:
            await send(socket, subscribe(FOLLOW, id))
            await send(socket, subscribe(FOLLOW, id))
            assert (await closed(socket))[0] == 4409


@pytest.mark.parametrize("size", [1_000_001, 2_000_000])
async def test_a_message_over_a_megabyte_closes_the_socket(client: Client, size: int) -> None:
    async with opened(client) as socket:
        await send(socket, " " * size)
        assert (await closed(socket))[0] == 1009


async def test_who_does_not_introduce_themselves_in_time_is_sent_away(service: Service) -> None:
    sockets = Sockets(
        lambda: service.circle,
        Streams(Operations(schema)),
        Authentication(None),
        init_patience=timedelta(milliseconds=1),
    )
    sent: list[Any] = []
    over = asyncio.Event()
    arriving = [{"type": "websocket.connect"}]

    async def arrive() -> Any:
        if arriving:
            return arriving.pop()
        await over.wait()
        return {"type": "websocket.disconnect", "code": 4408}

    async def leave(message: Any) -> None:
        sent.append(message)
        if message["type"] == "websocket.close":
            over.set()

    scope = {"type": "websocket", "path": "/graphql", "headers": [], "subprotocols": ["graphql-transport-ws"]}
    await sockets(scope, arrive, leave)
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert (sent[1]["code"], sent[1]["reason"]) == (4408, "Connection initialisation timeout")


async def test_only_graphql_transport_ws_is_spoken(client: Client) -> None:
    for protocols in (["graphql-ws"], None):
        async with opened(client, None, subprotocols=protocols) as socket:
            assert await closed(socket) == (4406, "Subprotocol not acceptable")
    async with opened(client, subprotocols=["graphql-ws", "graphql-transport-ws"]) as socket:
        assert socket.subprotocol == "graphql-transport-ws"


async def test_pages_of_other_origins_are_refused(client: Client) -> None:
    for origin in ("http://evil.example", "null", client.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(InvalidStatus) as refused:
            async with opened(client, origin=origin):
                pass
        assert refused.value.response.status_code == 403
    async with opened(client, origin=client.url) as socket:
        await send(socket, {"type": "ping"})
        assert await receive(socket) == {"type": "pong"}


async def test_queries_and_mutations_are_answered_and_completed(client: Client) -> None:
    mutation = (
        "mutation ($n: String!) { registerCustomer(input: {name: $n}) { customer { name } errors { code } } }"
    )
    async with opened(client) as socket:
        await send(socket, subscribe(mutation, "m", variables={"n": "Socket 🔌"}))
        answer = await receive(socket)
        assert answer["payload"]["data"]["registerCustomer"]["customer"] == {"name": "Socket 🔌"}
        assert answer["payload"]["extensions"]["freshness"][0]["readModel"] == "CUSTOMER_OVERVIEW"
        assert await receive(socket) == {"id": "m", "type": "complete"}
        await send(
            socket, subscribe("query A { __typename } query B { b: __typename }", "m", operationName="B")
        )
        assert (await receive(socket))["payload"]["data"] == {"b": "Query"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ a" + "€" * 300, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT"),
        ("fragment f on Query { __typename }", "BAD_USER_INPUT"),
        (
            "subscription { a: readModelUpdates { __typename } b: readModelUpdates { __typename } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ a" * 60 + "}" * 60, "LIMIT_EXCEEDED"),
        ("{ products(first: " + "9" * 5000 + ") { totalCount } }", "LIMIT_EXCEEDED"),
        ("{ __typename } #" + "x" * LONGEST_TEXT, "LIMIT_EXCEEDED"),
        ('{ node(id: "x") { id } }', "BAD_ID"),
        ('subscription { orderUpdated(id: "x") { cursor } }', "BAD_ID"),
        ('subscription { readModelUpdates(after: "x") { __typename } }', "BAD_TOKEN"),
    ],
)
async def test_a_bad_operation_is_an_error_of_its_own_and_the_socket_goes_on(
    client: Client, query: str, code: str
) -> None:
    async with opened(client) as socket:
        await send(socket, subscribe(query, "bad"))
        answer = await receive(socket)
        assert answer["id"] == "bad"
        errors = answer["payload"] if answer["type"] == "error" else answer["payload"]["errors"]
        assert [error["extensions"]["code"] for error in errors] == [code]
        if answer["type"] == "next":
            assert await receive(socket) == {"id": "bad", "type": "complete"}
        await send(socket, subscribe(id="good"))
        assert (await receive(socket))["payload"]["data"] == {"__typename": "Query"}


async def test_the_token_of_the_init_payload_holds_for_all_operations(service: Service, shop: Shop) -> None:
    client = service.client
    added = await client.mutate("registerCustomer", "", name="Init")
    init = {**INIT, "payload": {"Consistency-Token": added["receipt"]["token"]}}
    query = "query ($id: ID!) { customer(id: $id) { name } }"
    async with opened(client, init) as socket:
        for id in ("1", "2"):
            variables = {"id": added["receipt"]["events"][0]["subject"]}
            await send(socket, subscribe(query, id, variables=variables))
            assert (await receive(socket))["payload"]["data"]["customer"] == {"name": "Init"}
            await receive(socket)
    for bad in ("garbage", 5, {"a": 1}, ["x"]):
        async with opened(client, {**INIT, "payload": {"Consistency-Token": bad}}) as socket:
            await send(socket, subscribe())
            answer = await receive(socket)
            assert answer["type"] == "error"
            assert answer["payload"][0]["extensions"] == {"code": "BAD_TOKEN"}


async def test_complete_ends_a_subscription_and_frees_its_listener(service: Service, shop: Shop) -> None:
    await nobody_listens(service)
    async with opened(service.client) as socket:
        for id in ("a", "b"):
            await send(
                socket,
                subscribe(
                    f"subscription {{ {id}: readModelUpdates(readModels: [ACTIVITY]) {{ __typename }} }}", id
                ),
            )
            await receive(socket)
        assert listeners(service) == 2
        await send(socket, {"type": "complete", "id": "a"})
        await send(socket, {"type": "complete", "id": "never heard of"})
        async with asyncio.timeout(20):
            while listeners(service) > 1:
                assert (await receive(socket))["id"] == "b"
        await send(socket, subscribe(id="a"))
        while (answer := await receive(socket))["id"] != "a":
            pass
        assert answer["payload"]["data"] == {"__typename": "Query"}
    await nobody_listens(service)


async def test_a_client_that_vanishes_frees_its_listener(service: Service, shop: Shop) -> None:
    product = await shop.product()
    async with opened(service.client) as socket:
        for id, query in (
            ("1", FOLLOW),
            ("2", f'subscription {{ productUpdated(id: "{product}") {{ cursor }} }}'),
        ):
            await send(socket, subscribe(query, id))
            await receive(socket)
        assert listeners(service) > 1
        socket.transport.abort()
    await nobody_listens(service)


async def test_tokens_in_connection_init_may_be_as_long_as_headers(client: Client) -> None:
    tokens = {"Consistency-Token": "A" * LONGEST_TOKENS}
    async with opened(client, {"type": "connection_init", "payload": tokens}) as socket:
        await send(socket, subscribe())
        assert (await receive(socket))["payload"][0]["extensions"] == {"code": "BAD_TOKEN"}


async def test_a_socket_carries_at_most_100_operations_at_once(client: Client) -> None:
    async with opened(client) as socket:
        for number in range(101):
            await send(socket, subscribe(FOLLOW, str(number)))
        while (message := await receive(socket))["type"] != "error":
            pass
        socket.transport.abort()
    assert message["id"] == "100"
    assert message["payload"][0]["extensions"] == {"code": "LIMIT_EXCEEDED"}


async def test_the_messages_of_the_operations_of_a_socket_take_a_bounded_number_of_bytes(
    client: Client,
) -> None:
    async def refused(socket: ClientConnection, id: str, query: str = FOLLOW) -> bool:
        await send(socket, subscribe(query, id, extensions={"unused": large}))
        await send(socket, {"type": "ping"})
        answers = [await receive(socket)]
        while answers[-1] != {"type": "pong"}:
            answers.append(await receive(socket))
        errors = [answer for answer in answers if answer["type"] == "error"]
        assert all(each["payload"][0]["extensions"] == {"code": "LIMIT_EXCEEDED"} for each in errors)
        return bool(errors)

    large = "x" * (MOST_BYTES * 2 // 5)
    async with opened(client) as socket:
        assert [await refused(socket, id) for id in "abc"] == [False, False, True]
        await send(socket, {"type": "complete", "id": "a"})
        assert [await refused(socket, id) for id in "cd"] == [False, True]
        # A query that has ended counts no more, and one that is alone may be as large as a message.
        for _ in range(3):
            await send(socket, {"type": "complete", "id": "c"})
            assert not await refused(socket, "c", HELLO)
    async with opened(client) as socket:
        unused = f"{chr(0x1F410)}{'x' * (MOST_BYTES // 2)}"
        await send(socket, subscribe(HELLO, "f", extensions={"unused": unused}))
        assert [(await receive(socket))["type"] for _ in range(2)] == ["next", "complete"]
