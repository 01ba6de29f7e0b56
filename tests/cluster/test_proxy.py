"""The proxy in front of query processes: nobody is sent to a dead one, and everything passes through."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from tests.cluster.proxy import Proxy, Upstream
from tests.inprocess import Service
from tests.ports import free_port


class Upstreams:
    """A server that says its name to all who have sent everything, and its health to those who ask for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.healthy = True
        self.hangs_up = False
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readline()
        if first.startswith(b"GET /health/ready"):
            status = b"200 OK" if self.healthy else b"503 Service Unavailable"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        elif not self.hangs_up:
            rest = await reader.read()  # up to the end of the client's half
            writer.write(self.name.encode() + b" heard " + first + rest)
        writer.close()


@asynccontextmanager
async def behind_proxy(*names: str) -> AsyncIterator[tuple[Proxy, list[Upstreams]]]:
    """Yield a proxy that has asked each of these servers for its health."""
    servers = [Upstreams(name) for name in names]
    listening = [await asyncio.start_server(server.serve, "127.0.0.1", 0) for server in servers]
    for server, each in zip(servers, listening, strict=True):
        server.port = each.sockets[0].getsockname()[1]
    proxy = Proxy([Upstream(server.name, "127.0.0.1", server.port) for server in servers], 0)
    await proxy.start()
    try:
        async with asyncio.timeout(10):
            await proxy.until_ready()
        yield proxy, servers
    finally:
        await proxy.close()
        for each in listening:
            each.close()


async def said(proxy: Proxy, words: str = "hello\n") -> str:
    """Return what the proxy answers to a client that ends its half before it reads."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(words.encode())
    writer.write_eof()
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer.decode()


async def until_known(proxy: Proxy, name: str, *, ready: bool) -> None:
    [upstream] = [each for each in proxy.upstreams if each.name == name]
    async with asyncio.timeout(10):
        while upstream.ready is not ready:
            upstream.checked.clear()
            await upstream.checked.wait()


async def test_connections_take_turns() -> None:
    async with behind_proxy("a", "b") as (proxy, _):
        answers = [await said(proxy) for _ in range(4)]
    assert sorted(answers) == ["a heard hello\n", "a heard hello\n", "b heard hello\n", "b heard hello\n"]


async def test_a_client_that_has_ended_its_half_gets_its_whole_answer() -> None:
    words = "x" * 1_000 + "\n" + "y" * 300_000
    async with behind_proxy("a") as (proxy, _):
        assert await said(proxy, words) == f"a heard {words}"


async def test_nobody_is_sent_to_a_process_that_is_not_ready() -> None:
    async with behind_proxy("a", "b") as (proxy, (sick, _)):
        sick.healthy = False
        await until_known(proxy, "a", ready=False)
        assert {await said(proxy) for _ in range(4)} == {"b heard hello\n"}
        sick.healthy = True
        await until_known(proxy, "a", ready=True)
        assert {await said(proxy) for _ in range(4)} == {"a heard hello\n", "b heard hello\n"}


async def test_processes_that_are_not_ready_are_better_than_none() -> None:
    async with behind_proxy("a") as (proxy, [sick]):
        sick.healthy = False
        await until_known(proxy, "a", ready=False)
        assert await said(proxy) == "a heard hello\n"


async def test_a_connection_that_a_process_does_not_take_goes_to_the_next() -> None:
    async with behind_proxy("a", "b") as (proxy, _):
        proxy.upstreams[0].port = free_port()  # nobody listens there, and no check has found out yet
        assert {await said(proxy) for _ in range(4)} == {"b heard hello\n"}
        assert not proxy.upstreams[0].ready


async def test_a_client_is_told_if_there_is_no_process_at_all() -> None:
    proxy = Proxy([Upstream("a", "127.0.0.1", free_port())], 0)
    await proxy.start()
    async with aiohttp.ClientSession() as http, http.get(proxy.url) as answer:
        assert answer.status == 503
        assert "No process that serves GraphQL can be reached" in await answer.text()
    await proxy.close()


async def test_a_process_that_hangs_up_ends_the_client_s_connection() -> None:
    async with behind_proxy("a") as (proxy, [server]):
        server.hangs_up = True
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello\n")
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
        async with asyncio.timeout(10):
            while proxy.upstreams[0].connections:  # noqa: ASYNC110
                await asyncio.sleep(0)


async def test_a_cut_ends_every_connection_and_lets_new_ones_in() -> None:
    async with behind_proxy("a") as (proxy, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hel")
        async with asyncio.timeout(10):
            while not proxy.upstreams[0].connections:  # noqa: ASYNC110
                await asyncio.sleep(0)
        await proxy.cut()
        assert await reader.read() == b""
        writer.close()
        assert proxy.upstreams[0].connections == 0
        assert await said(proxy) == "a heard hello\n"


async def test_a_cut_also_ends_a_connection_that_nothing_was_done_for_yet() -> None:
    async with behind_proxy("a") as (proxy, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        async with asyncio.timeout(10):
            while not proxy._open:  # noqa: ASYNC110
                await asyncio.sleep(0)
            await proxy.cut()
            assert await reader.read() == b""
        writer.close()


async def test_websockets_and_event_streams_pass(service: Service) -> None:
    where = urlsplit(service.client.url)
    assert where.hostname
    assert where.port
    proxy = Proxy([Upstream("service", where.hostname, where.port)], 0)
    await proxy.start()
    query = "subscription { readModelUpdates { __typename } }"
    heartbeat = {"data": {"readModelUpdates": {"__typename": "Heartbeat"}}}
    async with aiohttp.ClientSession() as http, asyncio.timeout(20):
        async with http.ws_connect(f"{proxy.url}/graphql", protocols=("graphql-transport-ws",)) as socket:
            await socket.send_json({"type": "connection_init"})
            assert (await socket.receive_json())["type"] == "connection_ack"
            await socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": query}})
            assert (await socket.receive_json())["payload"]["data"]["readModelUpdates"]
        accepts = {"Accept": "text/event-stream"}
        async with http.post(f"{proxy.url}/graphql", json={"query": query}, headers=accepts) as stream:
            async for line in stream.content:
                if line.startswith(b"data:") and line.strip() != b"data:":
                    assert json.loads(line[5:])["data"].keys() == heartbeat["data"].keys()
                    break
    await proxy.close()
