"""GraphQL over HTTP: what is no GraphQL request is refused in GraphQL's own shape."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.config import Settings
from app.graphql.execution.operation import LONGEST_TEXT
from app.graphql.transport.http_requests import LARGEST_BODY
from app.stores.mongo.embedded.mongod import embedded_mongod
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop

HELLO = b'{"query": "{ __typename }"}'
JSON = {"Content-Type": "application/json"}
GRAPHQL = "application/graphql-response+json"
APOLLO = f"{GRAPHQL},application/json;q=0.9"
APOLLO_DEFER = f"multipart/mixed;incrementalSpec=v0.2,{APOLLO}"
URQL = f"{GRAPHQL}, application/graphql+json, application/json, text/event-stream, multipart/mixed"
AXIOS = "application/json, text/plain, */*"
CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


async def post(client: Client, body: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
    return await client.http.post(f"{client.url}/graphql", content=body, headers=headers or JSON)


async def get(client: Client, accept: str = "application/json", **parameters: str) -> httpx.Response:
    return await client.http.get(f"{client.url}/graphql", params=parameters, headers={"Accept": accept})


def refusal(response: httpx.Response, media_type: str = "application/json", code: str = "BAD_REQUEST") -> str:
    """The message of a request that was refused as a whole."""
    assert response.headers["Content-Type"] == media_type
    [error] = response.json()["errors"]
    assert error["extensions"] == {"code": code}
    message: str = error["message"]
    assert message
    return message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b'{"query": ',
        b"null",
        b"1",
        b'"{ __typename }"',
        b"true",
        b"[]",
        b'[{"query": "{ __typename }"}]',
        b"{}",
        b'{"query": "\xff"}',
        b'\xef\xbb\xbf{"query": "{ __typename }"}',
        b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5000 + b"}}",
        b'{"query": "{ __typename }", "variables": {"a": NaN}}',
        b'{"query": "{ __typename }", "variables": {"a": 1e400}}',
        b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        gzip.compress(HELLO, mtime=0),
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": "  "}',
        b'{"query": 1}',
        b'{"query": ["{ __typename }"]}',
        b'{"query": "{ __typename }", "variables": "{}"}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": 0}',
        b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "operationName": {}}',
        b'{"query": "{ __typename }", "extensions": []}',
    ],
    ids=lambda body: body[:60].decode(errors="replace"),
)
async def test_a_body_that_is_no_operation_is_refused(client: Client, body: bytes) -> None:
    response = await post(client, body)
    assert response.status_code == 400
    refusal(response)


async def test_a_body_over_a_megabyte_is_refused_whether_or_not_it_says_so(client: Client) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (LARGEST_BODY // 10)

    for body in (b" " * (LARGEST_BODY + 1), chunks(), b"x" * 30 * LARGEST_BODY):
        response = await post(client, body)
        assert response.status_code == 413
        assert "1,000,000 bytes" in refusal(response, code="LIMIT_EXCEEDED")
    fits = HELLO + b" " * (LARGEST_BODY - len(HELLO))
    assert (await post(client, fits)).json()["data"] == {"__typename": "Query"}


async def test_a_text_of_more_than_100_000_characters_is_refused_before_it_is_read(client: Client) -> None:
    fits = "{ __typename } #".ljust(LONGEST_TEXT, "x")
    assert (await post(client, json.dumps({"query": fits}).encode())).json()["data"] == {
        "__typename": "Query"
    }
    for accept in ("application/json", GRAPHQL):
        body = json.dumps({"query": f"{fits}x"}).encode()
        response = await post(client, body, **JSON, Accept=accept)
        assert response.status_code == 413
        told = refusal(response, accept, "LIMIT_EXCEEDED")
        assert "has 100,001 characters. At most 100,000 are allowed: send long values as variables" in told


async def test_the_body_must_be_plain_json(client: Client) -> None:
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/graphql"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": ""},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json; charset=iso-8859-1"},
    ):
        response = await post(client, HELLO, **headers)
        assert response.status_code == 415
        refusal(response)
    for content_type in (
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "APPLICATION/JSON",
        "application/json;x=y",
    ):
        response = await post(client, HELLO, **{"Content-Type": content_type})
        assert response.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8", GRAPHQL),
        (GRAPHQL.upper(), GRAPHQL),
        (APOLLO, GRAPHQL),
        (APOLLO_DEFER, GRAPHQL),
        (URQL, GRAPHQL),
        (AXIOS, "application/json"),
        (CHROMIUM, "application/json"),
        (f"{GRAPHQL}, */*", GRAPHQL),
        (f"application/json, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0.5, application/json", "application/json"),
        (f"{GRAPHQL};q=0.5, application/json;q=0.4", GRAPHQL),
        (f"{GRAPHQL};q=0, */*", "application/json"),
        (f"{GRAPHQL};q=0.001, */*;q=0", GRAPHQL),
        (f"application/json;profile=x;q=0.9;y, {GRAPHQL};q=0.8", "application/json"),
        ("application/json, text/event-stream", "application/json"),
        ("text/event-stream;q=0, application/json", "application/json"),
        ("text/event-stream;q=0.5, application/json;q=0.9", "application/json"),
        ("multipart/mixed;subscriptionSpec=1.0", "application/json"),
        ("image/png", "application/json"),
        (",;q=,; ,;=", "application/json"),
    ],
)
async def test_queries_are_answered_in_the_json_that_the_client_prefers(
    client: Client, accept: str | None, media_type: str
) -> None:
    headers = httpx.Headers({**JSON, **({} if accept is None else {"Accept": accept})})
    request = client.http.build_request("POST", f"{client.url}/graphql", content=HELLO, headers=headers)
    if accept is None:
        del request.headers["Accept"]
    response = await client.http.send(request)
    assert (response.status_code, response.headers["Content-Type"]) == (200, media_type)
    assert response.headers["Vary"] == "Accept"
    extensions = {"cost": {"reads": 0, "nodes": 0, "fields": 1}, "freshness": []}
    assert response.json() == {"data": {"__typename": "Query"}, "extensions": extensions}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ products(first: true) { totalCount } }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ products(filter: {priceFrom: 1.x}) { totalCount } }"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "query ($id: ID!) { product(id: $id) { id } }"}, "BAD_USER_INPUT"),
        ({"query": "query A { __typename } query B { __typename }"}, "BAD_USER_INPUT"),
        ({"query": "subscription { readModelUpdates { __typename } }"}, "BAD_USER_INPUT"),
        ({"query": "{ a" * 60 + "}" * 60}, "LIMIT_EXCEEDED"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_what_is_not_executed_has_no_data_and_a_status_that_suits_the_media_type(
    client: Client, body: dict[str, Any], code: str
) -> None:
    for accept, media_type, status in (
        ("application/json", "application/json", 200),
        (GRAPHQL, GRAPHQL, 400),
        (APOLLO, GRAPHQL, 400),
    ):
        response = await post(client, json.dumps(body).encode(), **JSON, Accept=accept)
        assert (response.status_code, response.headers["Content-Type"]) == (status, media_type)
        assert response.json().keys() == {"errors", "extensions"}
        assert {error["extensions"]["code"] for error in response.json()["errors"]} == {code}


async def test_what_was_executed_has_data_and_is_no_failed_request(service: Service, shop: Shop) -> None:
    await shop.product()
    head = service.circle.tokens.write(await service.circle.log.head())
    for query, data in (
        ("{ products(first: -1) { totalCount } }", {"products": None}),
        ('{ product(id: "x") { id } }', {"product": None}),
    ):
        for accept in ("application/json", GRAPHQL):
            headers = {**JSON, "Accept": accept, "Consistency-Token": head}
            response = await post(service.client, json.dumps({"query": query}).encode(), **headers)
            assert (response.status_code, response.headers["Content-Type"]) == (200, accept)
            assert response.json()["data"] == data
            assert response.json()["errors"][0]["path"]
            assert response.headers["Consistency-Token"] >= head


async def test_refusals_come_in_the_json_that_the_client_prefers(client: Client) -> None:
    for accept in ("application/json", GRAPHQL):
        for content_type, body, status in (
            ("application/json", b"{", 400),
            ("application/json", b" " * (LARGEST_BODY + 1), 413),
            ("text/plain", HELLO, 415),
        ):
            response = await post(client, body, **{"Content-Type": content_type, "Accept": accept})
            assert response.status_code == status
            refusal(response, accept, "LIMIT_EXCEEDED" if status == 413 else "BAD_REQUEST")
        assert refusal(await get(client, accept, query="mutation { __typename }"), accept)


async def test_queries_may_be_sent_with_get_and_nothing_else(service: Service) -> None:
    client = service.client
    query = (
        "query A($c: [String!]) { products(filter: {categories: $c}) { totalCount } } query B { __typename }"
    )
    variables = json.dumps({"c": []})
    counted = await get(client, query=query, variables=variables, operationName="A")
    assert counted.json()["data"] == {"products": {"totalCount": 0}}

    before = await service.circle.log.head()
    mutation = 'mutation M { registerCustomer(input: {name: "G"}) { receipt { token } } }'
    for parameters in (
        {"query": mutation},
        {"query": f"query Q {{ __typename }} {mutation}", "operationName": "M"},
    ):
        response = await get(client, **parameters)
        assert (response.status_code, response.headers["Allow"]) == (405, "POST")
        assert "mutations" in refusal(response)
    several = await get(client, query=f"query Q {{ __typename }} {mutation}")
    assert "operationName" in several.json()["errors"][0]["message"]
    subscription = await get(client, query="subscription { readModelUpdates { __typename } }")
    assert "websocket" in subscription.json()["errors"][0]["message"]
    assert await service.circle.log.head() == before


async def test_a_get_without_a_proper_query_is_refused(client: Client) -> None:
    hello = "{ __typename }"
    for parameters in (
        {},
        {"query": ""},
        {"query": hello, "variables": '{"a":'},
        {"query": hello, "variables": "[]"},
        {"query": hello, "extensions": "1"},
    ):
        response = await get(client, **parameters)
        assert response.status_code == 400
        refusal(response)
    undecodable = await client.http.get(f"{client.url}/graphql?query=%ff")
    assert undecodable.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


async def test_a_browser_that_asks_for_a_page_gets_the_playground(client: Client) -> None:
    response = await get(client, accept=CHROMIUM)
    assert response.headers["Content-Type"].startswith("text/html")
    for accept in ("*/*", AXIOS, APOLLO, "text/html;q=0.5, application/json"):
        assert "query" in refusal(
            await get(client, accept), APOLLO.split(",")[0] if accept == APOLLO else "application/json"
        )
    home = await client.http.get(f"{client.url}/")
    assert (home.status_code, home.headers["Location"]) == (307, "/graphql")


async def test_other_methods_and_paths_do_not_exist(client: Client) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
        response = await client.http.request(method, f"{client.url}/graphql")
        assert (response.status_code, response.headers["Allow"]) == (405, "GET, POST")
        assert method == "HEAD" or "POST" in refusal(response)
    for path in ("/nothing", "/graphql/../etc/passwd", "/playground/static/%2e%2e/%2e%2e/main.py"):
        response = await client.http.get(f"{client.url}{path}")
        assert response.status_code == 404
        assert "/graphql" in refusal(response, code="NOT_FOUND")
    misdirected = await client.http.post(f"{client.url}/health/live")
    assert (misdirected.status_code, misdirected.headers["Content-Type"]) == (405, "application/json")


async def test_other_origins_get_no_leave_to_read(client: Client) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    preflight = await client.http.request("OPTIONS", f"{client.url}/graphql", headers=asked)
    answer = await post(client, HELLO, **JSON, Origin="http://evil.example")
    for response in (preflight, answer):
        assert not [name for name in response.headers if name.startswith("access-control")]


async def test_a_preflight_of_another_origin_is_told_the_setting_that_would_allow_it(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    origin = "http://localhost:5173"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for _ in range(3):
        preflight = await client.http.request(
            "OPTIONS", f"{client.url}/graphql", headers={"Origin": origin, **asked}
        )
        assert preflight.status_code == 403
        assert refusal(preflight, code="FORBIDDEN") == (
            f"Pages of {origin} may not use this service. If they should, add {origin} to the setting "
            "ALLOWED_ORIGINS, and restart the service."
        )
    told = [record.getMessage() for record in caplog.records if "ALLOWED_ORIGINS" in record.getMessage()]
    assert told == [f"A page of another origin was refused: origin={origin} setting=ALLOWED_ORIGINS"]
    file = await client.http.request("OPTIONS", f"{client.url}/graphql", headers={"Origin": "null", **asked})
    assert "ALLOWED_ORIGINS" in refusal(file, code="FORBIDDEN")


async def test_the_token_header_is_echoed_as_the_later_of_asked_and_seen(
    service: Service, shop: Shop
) -> None:
    client, tokens = service.client, service.circle.tokens
    await shop.product()
    head = await service.circle.log.head()
    old, now = tokens.write(1), tokens.write(head)
    assert (await client.send("{ __typename }", token=None)).token is None
    assert (await client.send("{ __typename }", token=old)).token == old
    seen = await client.send("{ products { totalCount } }", token=now)
    assert tokens.decode(seen.token or "").position >= head
    not_older = await client.send("{ products(first: 1) { totalCount } }", token=old)
    assert tokens.decode(not_older.token or "").position >= head
    refused = await client.mutate("payOrder", "", orderId="x")
    assert refused["receipt"]["token"] is None
    for bad in (b"garbage", "é".encode(), b"\xff", b"%00", b"A" * 4000):
        headers = [(b"Content-Type", b"application/json"), (b"Consistency-Token", bad)]
        answer = await client.http.post(f"{client.url}/graphql", content=HELLO, headers=headers)
        assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["BAD_TOKEN"]
        assert "Consistency-Token" not in answer.headers
    mutation = 'mutation { registerCustomer(input: {name: "T"}) { receipt { token } } }'
    untouched = await client.send(mutation, token="garbage")
    assert (untouched.codes, await service.circle.log.head()) == (["BAD_TOKEN"], head)


@pytest.mark.campaign
async def test_commands_are_accepted_while_the_read_store_is_down_and_show_once_it_is_back(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "mongo"
    async with embedded_mongod(folder) as mongod:
        settings = Settings(data_dir=tmp_path / "write", mongodb_url=mongod.url, heartbeat=0.2)
        async with serving(settings) as service:
            client, product = service.client, await Shop(service.client).product(stock=2)
            query = "query ($id: ID!) { product(id: $id) { onHand } products { totalCount } }"

            mongod.process.terminate()
            await mongod.process.wait()
            down = await client.send(query, {"id": product}, token=None)
            assert set(down.codes) == {"READ_STORE_UNAVAILABLE"}
            assert "mongo" not in json.dumps(down.body).lower()
            assert (await client.http.get(f"{client.url}/health/ready")).status_code == 503
            received = await client.mutate("receiveStock", "", productId=product, quantity=3)
            assert received["errors"] == []
            assert (await client.send("{ freshness { eventsBehind } }")).data

            async with embedded_mongod(folder):
                token = received["receipt"]["token"]
                assert await _answered(client, query, {"id": product}, token) == {"onHand": 5}


async def _answered(client: Client, query: str, variables: dict[str, Any], token: str) -> Any:
    """The product, as soon as the read side has come back."""
    async with asyncio.timeout(30):
        while True:
            answer = await client.send(query, variables, token=token)
            if not answer.codes:
                return answer.data["product"]
            assert set(answer.codes) <= {"READ_STORE_UNAVAILABLE", "READ_MODEL_BEHIND"}


async def test_pages_of_allowed_origins_may_use_the_api_and_read_the_token(
    mongo_url: str, tmp_path: Path
) -> None:
    origin = "http://localhost:5173"
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database="origins",
        allowed_origins=f"https://shop.example, {origin}",
    )
    async with serving(settings) as service:
        http, url = service.client.http, f"{service.client.url}/graphql"
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        wanted = {**asked, "Access-Control-Request-Headers": "content-type, consistency-token"}
        assert (await http.options(url, headers=wanted)).headers["Access-Control-Allow-Origin"] == origin
        answer = await http.post(url, json={"query": "{ __typename }"}, headers={"Origin": origin})
        assert answer.headers["Access-Control-Expose-Headers"] == "Consistency-Token, ETag, Retry-After"
        stranger = await http.options(url, headers={**wanted, "Origin": "http://evil.example"})
        assert "Access-Control-Allow-Origin" not in stranger.headers
        assert "add http://evil.example to the setting ALLOWED_ORIGINS" in refusal(stranger, code="FORBIDDEN")
