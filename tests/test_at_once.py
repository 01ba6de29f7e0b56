"""An answer at once is the one that ASGI gives, and no request that is refused there is answered."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
import pytest

from app.config import Settings
from app.graphql.transport.http import GraphQLEndpoint, ReadHeaders
from app.graphql.transport.responses.answer import Answer
from app.graphql.transport.senders.callers import Client
from tests.inprocess import Service, serving
from tests.schema.shop import Shop

QUERY = "query ($id: ID!) { product(id: $id) { name onHand } }"
HOST, JSON = "Host: localhost", "Content-Type: application/json"
GRAPHQL_JSON = "Accept: application/graphql-response+json"


@dataclass(frozen=True)
class Known:
    """A service, and the query whose answer it has in memory."""

    service: Service
    product: str

    async def answer(self, *headers: str) -> bytes:
        """The whole response, without its date, to the query, which is sent in one packet."""
        body = orjson.dumps({"query": QUERY, "variables": {"id": self.product}})
        head = "\r\n".join(["POST /graphql HTTP/1.1", *headers, f"Content-Length: {len(body)}", "", ""])
        port = int(self.service.client.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(20):
                writer.write(head.encode("latin-1") + body)
                answer_head = re.sub(rb"date: [^\r]+\r\n", b"", await reader.readuntil(b"\r\n\r\n"))
                if b"content-length:" not in answer_head.lower():  # a stream of events
                    return answer_head + await reader.readuntil(b"0\r\n\r\n")
                length = int(answer_head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                return answer_head + await reader.readexactly(length)
        finally:
            writer.close()

    async def recalled(self) -> None:
        """Returns once the answer comes from memory, and nothing is about to change."""
        compiled, token = self.service.operations.compiled, f"Consistency-Token: {self.service.client.seen}"
        async with asyncio.timeout(20):
            before = compiled.recalled
            while compiled.recalled == before:
                if b'"eventsBehind":0' not in await self.answer(HOST, JSON, token):
                    before = compiled.recalled


@pytest.fixture(scope="module", params=["", "http://shop.example"], ids=["own pages", "pages of elsewhere"])
async def known(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Known]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("at_once"),
        mongodb_url=mongo_url,
        mongodb_database=f"at_once_{bool(request.param)}",
        allowed_origins=request.param,
        read_cache_mb=64,
    )
    async with serving(settings) as running:
        known = Known(running, await Shop(running.client).product(stock=7))
        await known.recalled()
        yield known


class Seen:
    """Has requests answered at once or not, and sees which were."""

    def __init__(self) -> None:
        self.is_allowed = True
        self.answered: list[bool] = []


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Seen:
    seen, answer_at_once = Seen(), GraphQLEndpoint.answer_at_once

    def seen_by(
        endpoint: GraphQLEndpoint, headers: ReadHeaders, body: bytes, client: Client
    ) -> Answer | None:
        answer = answer_at_once(endpoint, headers, body, client) if seen.is_allowed else None
        seen.answered.append(answer is not None)
        return answer

    monkeypatch.setattr(GraphQLEndpoint, "answer_at_once", seen_by)
    return seen


def status_of(answer: bytes) -> int:
    return int(answer.split()[1])


SAME = {
    "no wish": [HOST, JSON],
    "the newer media type": [HOST, JSON, GRAPHQL_JSON],
    "the newer media type, if it must be": [HOST, JSON, f"{GRAPHQL_JSON};q=0.1, application/json"],
    "a charset": [HOST, f"{JSON}; charset=utf-8"],
    "an encoding that is none": [HOST, JSON, "Content-Encoding: identity"],
    "the address": ["Host: 127.0.0.1:80", JSON],
    "a token": [HOST, JSON, "Consistency-Token: {token}"],
    "two tokens": [HOST, JSON, "Consistency-Token: {token}, {token}"],
    "names in capitals": [HOST.upper(), JSON.replace("Content-Type", "CONTENT-TYPE")],
}


@pytest.mark.parametrize("name", SAME)
async def test_an_answer_at_once_is_that_of_asgi(known: Known, at_once: Seen, name: str) -> None:
    headers = [each.format(token=known.service.client.seen) for each in SAME[name]]
    given = await known.answer(*headers)
    at_once.is_allowed = False
    assert given == await known.answer(*headers)
    assert at_once.answered == [True, False]
    assert status_of(given) == 200
    assert b"consistency-token: " in given


OTHERS = {
    "a host of elsewhere": (403, ["Host: evil.example", JSON]),
    "no host": (400, [JSON]),
    "two hosts": (400, [HOST, HOST, JSON]),
    "a long host": (400, [f"Host: {'x' * 400}", JSON]),
    "no media type": (415, [HOST]),
    "another media type": (415, [HOST, "Content-Type: text/plain"]),
    "another charset": (415, [HOST, f"{JSON}; charset=latin-1"]),
    "compression": (415, [HOST, JSON, "Content-Encoding: gzip"]),
    "a wish for events": (200, [HOST, JSON, "Accept: text/event-stream"]),
    "wishes in two headers": (200, [HOST, JSON, GRAPHQL_JSON, "Accept: application/json"]),
    "no token": (200, [HOST, JSON, "Consistency-Token: garbage"]),
    "no token beside one": (200, [HOST, JSON, "Consistency-Token: {token}, "]),
    "tokens in two headers": (200, [HOST, JSON, "Consistency-Token: {token}", "Consistency-Token: {token}"]),
    "more tokens than may be sent": (200, [HOST, JSON, f"Consistency-Token: {', '.join(['{token}'] * 200)}"]),
}


@pytest.mark.parametrize("name", OTHERS)
async def test_what_is_refused_or_needs_more_goes_the_ordinary_way(
    known: Known, at_once: Seen, name: str
) -> None:
    status, headers = OTHERS[name]
    headers = [each.format(token=known.service.client.seen) for each in headers]
    assert status_of(await known.answer(*headers)) == status
    assert at_once.answered in ([], [False])


async def test_a_page_of_an_allowed_origin_may_read_its_answer(known: Known, at_once: Seen) -> None:
    given = await known.answer(HOST, JSON, "Origin: http://shop.example")
    at_once.is_allowed = False
    assert given == await known.answer(HOST, JSON, "Origin: http://shop.example")
    assert (b"access-control-allow-origin" in given) == (at_once.answered == [])


async def test_a_change_is_seen_at_once(known: Known, at_once: Seen) -> None:
    """It is seen by who made it, and sends its token, and by who sends none but asks afterwards."""
    before = on_hand(await known.answer(HOST, JSON))
    client = known.service.client
    await client.mutate("receiveStock", "", productId=known.product, quantity=1)
    assert on_hand(await known.answer(HOST, JSON, f"Consistency-Token: {client.seen}")) == before + 1
    await known.recalled()
    assert on_hand(await known.answer(HOST, JSON)) == before + 1
    assert at_once.answered[-1]


def on_hand(answer: bytes) -> int:
    pieces: int = orjson.loads(answer.partition(b"\r\n\r\n")[2])["data"]["product"]["onHand"]
    return pieces
