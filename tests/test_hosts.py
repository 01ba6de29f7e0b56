"""A page of elsewhere can't reach the service under a name of its own; whom it is meant for, it serves."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from app.config import Settings
from app.hosts import Hosts, host_of
from app.main import GRAPHQL
from tests.inprocess import Service, serving

HELLO = b'{"query": "{ __typename }"}'


@pytest.fixture(scope="module")
async def service(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("hosts"),
        mongodb_url=mongo_url,
        mongodb_database="hosts",
        allowed_hosts="shop.example",
    )
    async with serving(settings) as running:
        yield running


async def status(service: Service, *hosts: str, path: str = GRAPHQL, version: str = "1.1") -> int:
    """The status of a query with these `Host` headers, which are sent as they are."""
    lines = [
        f"POST {path} HTTP/{version}" if path == GRAPHQL else f"GET {path} HTTP/{version}",
        *(f"Host: {host}" for host in hosts),
        "Content-Type: application/json",
        f"Content-Length: {len(HELLO) if path == GRAPHQL else 0}",
        "Connection: close",
        "",
        "",
    ]
    reader, writer = await asyncio.open_connection("127.0.0.1", int(service.client.url.rpartition(":")[2]))
    try:
        writer.write("\r\n".join(lines).encode("latin-1") + (HELLO if path == GRAPHQL else b""))
        answer = await reader.read()
    finally:
        writer.close()
    return int(answer.split()[1])


OWN = (
    "localhost",
    "LOCALHOST:1",
    "localhost.",
    "diptych.localhost:8000",
    "127.0.0.1",
    "127.1.2.3:80",
    "[::1]",
)
ALLOWED = ("shop.example", "Shop.Example:8443", "shop.example.")
FOREIGN = (
    "evil.example",
    "localhost.evil.example",
    "xshop.example",
    "192.168.1.5",
    "[2001:db8::1]:80",
    "0.0.0.0",
)
NONE = (
    "",
    " ",
    "a b",
    "localhost/",
    "ada@localhost",
    "localhost:x",
    "localhost:1:2",
    "[::1",
    "[1]",
    "::1",
    "*",
    "é",
)


@pytest.mark.parametrize("host", OWN + ALLOWED)
async def test_answers_under_the_names_of_loopback_and_those_that_are_allowed(
    service: Service, host: str
) -> None:
    assert await status(service, host) == 200


@pytest.mark.parametrize("host", FOREIGN)
async def test_answers_nothing_under_another_name(service: Service, host: str) -> None:
    for path in (GRAPHQL, "/", "/playground/static/playground.js", "/nothing"):
        assert await status(service, host, path=path) == 403


@pytest.mark.parametrize("host", NONE)
async def test_what_is_no_host_is_a_bad_request(service: Service, host: str) -> None:
    assert await status(service, host) == 400


async def test_a_request_has_one_host(service: Service) -> None:
    assert await status(service) == 400
    assert await status(service, "localhost", "localhost") == 400
    assert await status(service, "localhost", "evil.example") == 400
    assert await status(service, "a" * 301) == 400


async def test_a_request_of_http_1_0_needs_no_host(service: Service) -> None:
    assert await status(service, version="1.0") == 200
    assert await status(service, "evil.example", version="1.0") == 403


async def test_health_checks_are_answered_under_any_name(service: Service) -> None:
    for hosts in ((), ("10.1.2.3:8000",), ("pod.cluster.example",)):
        assert await status(service, *hosts, path="/health/live") == 200


async def test_a_refusal_says_what_to_do(service: Service) -> None:
    response = await service.client.http.get(service.client.url, headers={"Host": "evil.example:80"})
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["message"].startswith("The host evil.example is not served here. Add it to ALLOWED_HOSTS")


async def test_a_page_whose_name_leads_here_gets_no_socket_and_no_events(service: Service) -> None:
    origin = "http://evil.example"
    with pytest.raises(InvalidStatus) as refused:
        await _handshake(service, "evil.example", origin)
    assert refused.value.response.status_code == 403
    assert b"ALLOWED_HOSTS" in (refused.value.response.body or b"")
    followed = await service.client.http.get(
        f"{service.client.url}{GRAPHQL}",
        params={"query": "subscription { readModelUpdates { __typename } }"},
        headers={"Accept": "text/event-stream", "Host": "evil.example", "Origin": origin},
    )
    assert followed.status_code == 403
    await _handshake(service, "shop.example", "http://shop.example")


async def _handshake(service: Service, host: str, origin: str) -> None:
    port = int(service.client.url.rpartition(":")[2])
    async with connect(
        f"ws://{host}{GRAPHQL}",
        host="127.0.0.1",
        port=port,
        origin=origin,  # type: ignore[arg-type]
        subprotocols=[Subprotocol("graphql-transport-ws")],
    ):
        pass


@pytest.mark.parametrize(
    ("listening", "served", "refused"),
    [
        (
            "192.168.1.5",
            ("192.168.1.5:80", "127.0.0.1", "[::ffff:192.168.1.5]"),
            ("192.168.1.6", "a.example"),
        ),
        ("Shop.Lan", ("shop.lan:80", "localhost"), ("lan", "192.168.1.5")),
        ("0.0.0.0", ("192.168.1.5:80", "[2001:db8::1]", "0.0.0.0:1"), ("shop.lan", "192.168.1.5.example")),
        ("::", ("192.168.1.5:80", "[2001:db8::1]"), ("shop.lan",)),
        ("2001:db8:0::1", ("[2001:db8::1]", "[2001:DB8:0:0::1]:80"), ("[2001:db8::2]",)),
    ],
)
def test_the_address_that_is_listened_on_is_served(
    listening: str, served: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    hosts = Hosts(listening)
    assert [host for host in served if hosts.refusal([(b"host", host.encode())], "1.1")] == []
    assert [host for host in refused if not hosts.refusal([(b"host", host.encode())], "1.1")] == []


def test_all_hosts_may_be_allowed() -> None:
    hosts = Hosts("127.0.0.1", ["*"])
    assert hosts.refusal([(b"host", b"any.example")], "1.1") is None
    assert hosts.refusal([(b"host", b"any example")], "1.1")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("Shop.Example.", "shop.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("my_shop", "my_shop"),
        ("*", "*"),
    ],
)
def test_hosts_are_compared_in_one_form(given: str, meant: str) -> None:
    assert host_of(given) == meant


@pytest.mark.parametrize(
    ("host", "advice"),
    [
        ("https://shop.example:8443/cart", "write shop.example"),
        ("shop.example/cart", "write shop.example"),
        ("http://", "write the name alone"),
        ("shop.example:8000", "write shop.example"),
        ("*.shop.example", "list each host"),
        ("münchen.example", "in ASCII"),
        ("shop example", "it is not a host name"),
        ("a..", "it is not a host name"),
        ("ada@shop.example", "it is not a host name"),
    ],
)
def test_what_is_no_host_can_not_be_allowed(tmp_path: Path, host: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        host_of(host)
    with pytest.raises(ValueError, match="can't be allowed"):
        Settings(data_dir=tmp_path, allowed_hosts=f"shop.example, {host}")
