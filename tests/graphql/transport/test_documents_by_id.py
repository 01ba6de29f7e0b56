"""Operations that clients send by their ids, over every transport."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets import Subprotocol
from websockets.asyncio.client import connect

from app.config import Settings
from app.graphql.admission.persisted import hash_of
from app.graphql.execution.operation import LONGEST_TEXT
from tests.inprocess import Service, serving

NAMES = "query Names($first: Int) { products(first: $first) { nodes { name } } }"
TICKS = "subscription Ticks { readModelUpdates { __typename ... on Heartbeat { cursor } } }"
HEAVY = "{ " + " ".join(f"p{n}: products(first: 100) {{ nodes {{ id }} }}" for n in range(100)) + " }"
LONG = "{ __typename } #" + "x" * LONGEST_TEXT
MANIFEST = {"names": NAMES, "ticks": TICKS, "heavy": HEAVY, "long": LONG}
GRAPHQL_JSON = "application/graphql-response+json"


@pytest.fixture(scope="module", params=["any", "trusted"])
async def documents(
    request: pytest.FixtureRequest, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, Service]]:
    """The mode, and a service with a manifest."""
    folder: Path = tmp_path_factory.mktemp("documents")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST), "utf-8")
    settings = Settings(
        data_dir=folder / "data",
        mongodb_url=mongo_url,
        mongodb_database=f"documents_{request.param}",
        documents=request.param,
        documents_manifest=folder / "manifest.json",
        heartbeat=0.2,
    )
    async with serving(settings) as service:
        yield request.param, service


def persisted(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}


async def post(service: Service, accept: str = "application/json", **sent: Any) -> httpx.Response:
    url = f"{service.client.url}/graphql"
    return await service.client.http.post(url, json=sent, headers={"Accept": accept})


async def get(service: Service, **sent: Any) -> httpx.Response:
    parameters = {name: part if isinstance(part, str) else json.dumps(part) for name, part in sent.items()}
    return await service.client.http.get(f"{service.client.url}/graphql", params=parameters)


async def over_socket(service: Service, **sent: Any) -> dict[str, Any]:
    """The first message about an operation."""
    url = service.client.url.replace("http://", "ws://") + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        await socket.recv()
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": sent}))
        message: dict[str, Any] = json.loads(await socket.recv())
        return message


async def events(service: Service, **sent: Any) -> str:
    """The first event of a stream, or the refusal."""
    url, headers = f"{service.client.url}/graphql", {"Accept": "text/event-stream"}
    async with service.client.http.stream("POST", url, json=sent, headers=headers) as stream:
        async for line in stream.aiter_lines():
            if line.startswith(("data:", "{")):
                return line
    raise AssertionError("no event")


def code_of(body: dict[str, Any]) -> str:
    code: str = body["errors"][0]["extensions"]["code"]
    return code


async def test_a_document_of_the_manifest_is_executed_by_its_id(documents: tuple[str, Service]) -> None:
    _, service = documents
    found: dict[str, Any] = {"data": {"products": {"nodes": []}}}
    for _ in range(3):  # at first sight, compiled, and from memory
        for sent in ({"documentId": "names"}, {"extensions": persisted(NAMES)}):
            answers = [await post(service, **sent, variables={"first": 1}), await get(service, **sent)]
            for answer in answers:
                assert {"data": answer.json()["data"]} == found
            message = await over_socket(service, **sent)
            assert message["payload"]["data"] == found["data"]
    ticks = await over_socket(service, documentId="ticks")
    assert ticks["type"] == "next"
    assert "readModelUpdates" in await events(service, documentId="ticks")


async def test_free_text_is_refused_where_only_trusted_documents_are_accepted(
    documents: tuple[str, Service],
) -> None:
    mode, service = documents
    for text in ("{ products { totalCount } }", "{ __schema { types { name } } }", NAMES):
        answers = [(await post(service, query=text)).json(), (await get(service, query=text)).json()]
        message = await over_socket(service, query=text)
        if mode == "any":
            assert all("data" in answer for answer in answers)
            assert message["type"] == "next"
            continue
        assert [code_of(answer) for answer in answers] == ["DOCUMENT_NOT_TRUSTED"] * 2
        assert "Send documentId" in answers[0]["errors"][0]["message"]
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
        assert "DOCUMENT_NOT_TRUSTED" in await events(service, query=text)


async def test_an_unknown_id_is_refused_with_what_to_do(documents: tuple[str, Service]) -> None:
    mode, service = documents
    code = "DOCUMENT_NOT_TRUSTED" if mode == "trusted" else "PERSISTED_QUERY_NOT_FOUND"
    for answer in (await post(service, documentId="none"), await get(service, documentId="none")):
        assert code_of(answer.json()) == code
        assert "DOCUMENTS_MANIFEST" in answer.json()["errors"][0]["message"]
    assert (await post(service, GRAPHQL_JSON, documentId="none")).status_code == 400


async def test_persisted_queries_are_known_once_they_were_sent_where_any_text_is_accepted(
    documents: tuple[str, Service],
) -> None:
    mode, service = documents
    text = "query Persisted { products { totalCount } }"
    first = await post(service, extensions=persisted(text))
    if mode == "trusted":
        assert code_of(first.json()) == "DOCUMENT_NOT_TRUSTED"
        sent = await post(service, query=text, extensions=persisted(text))
        assert code_of(sent.json()) == "DOCUMENT_NOT_TRUSTED"
        return
    [error] = first.json()["errors"]
    assert (first.status_code, error["message"]) == (200, "PersistedQueryNotFound")
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    wrong = await post(service, query="{ __typename }", extensions=persisted(text))
    assert (wrong.status_code, code_of(wrong.json())) == (400, "BAD_REQUEST")
    assert (await post(service, query=text, extensions=persisted(text))).json()["data"]
    assert (await get(service, extensions=persisted(text))).json()["data"]
    assert (await over_socket(service, extensions=persisted(text)))["type"] == "next"


async def test_an_id_bypasses_no_limit(documents: tuple[str, Service]) -> None:
    _, service = documents
    for id in ("heavy", "long"):
        assert code_of((await post(service, documentId=id)).json()) == "LIMIT_EXCEEDED"
        message = await over_socket(service, documentId=id)
        assert message["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


@pytest.mark.parametrize("sent", [{"documentId": 5}, {"extensions": {"persistedQuery": []}}, {}])
async def test_an_id_that_is_none_is_a_bad_request(documents: tuple[str, Service], sent: Any) -> None:
    _, service = documents
    answer = await post(service, **sent)
    assert (answer.status_code, code_of(answer.json())) == (400, "BAD_REQUEST")
