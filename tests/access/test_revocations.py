"""A revocation ends what the actor's tokens have opened, in every process, and survives restarts."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from websockets import Subprotocol
from websockets.asyncio.client import connect

from app.access.configured import authenticator_of
from app.access.development import development_token
from app.access.sessions import REVOKED
from app.config import Settings
from app.cqrs.revocations import Revocations
from app.cqrs.viewers import Sight
from app.halves.commanding import open_write_side
from app.stores.sql.engines.opening import open_database
from app.stores.sql.write_store import SqlWriteStore
from tests.graphql.transport.identity import bearer, send
from tests.inprocess import Service, serving

REVOKE = """mutation ($actor: String!) {
    revokeTokens(input: { actor: $actor }) { revokedAt errors { code message path } } }"""
WITHIN = 1.0
"""Seconds within which a revocation has effect everywhere."""


@pytest.fixture
def settings(tmp_path: Path, mongo_url: str) -> Settings:
    return Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, auth="development"
    )


@pytest.fixture
async def signed_in(settings: Settings) -> AsyncIterator[Service]:
    async with serving(settings) as running:
        yield running


def token(settings: Settings, actor: str, sight: Sight = Sight.STAFF) -> str:
    return development_token(settings, settings.data_dir, sight, actor, hours=1)


async def status(service: Service, token: str) -> int:
    response = await service.client.http.post(
        f"{service.client.url}/graphql", json={"query": "{ __typename }"}, headers=bearer(token)
    )
    return response.status_code


async def closed(service: Service, token: str) -> tuple[int | None, str | None]:
    """The end of a socket that was opened with a token."""
    url = service.client.url.replace("http", "ws")
    async with connect(f"{url}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await send(socket, {"type": "connection_init", "payload": bearer(token)})
        await socket.recv()
        OPENED.set()
        async with asyncio.timeout(20):
            await socket.wait_closed()
    return socket.close_code, socket.close_reason


OPENED = asyncio.Event()


async def test_a_revocation_by_another_process_ends_sockets_within_a_second(
    settings: Settings, signed_in: Service
) -> None:
    of_ada, of_bea = token(settings, "ada"), token(settings, "bea")
    assert [await status(signed_in, each) for each in (of_ada, of_bea)] == [200, 200]
    OPENED.clear()
    end = asyncio.create_task(closed(signed_in, of_ada))
    await OPENED.wait()
    async with open_write_side(settings) as other_process:
        await other_process.log.revoke("ada", by="command line")
    revoked_at = time.monotonic()
    assert await end == (4403, REVOKED)
    assert time.monotonic() - revoked_at < WITHIN
    assert [await status(signed_in, each) for each in (of_ada, of_bea)] == [401, 200]
    assert await status(signed_in, token(settings, "ada")) == 200, "a later token is valid"


async def test_an_operator_revokes_with_a_mutation_and_it_survives_a_restart(settings: Settings) -> None:
    of_ada, of_opal = token(settings, "ada"), token(settings, "opal", Sight.OPERATOR)
    async with serving(settings) as service:
        service.client.http.headers.update(bearer(of_opal))
        assert await status(service, of_ada) == 200
        OPENED.clear()
        end = asyncio.create_task(closed(service, of_ada))
        await OPENED.wait()
        answer = await service.client.send(REVOKE, {"actor": "ada"})
        assert answer.data["revokeTokens"]["errors"] == []
        assert await end == (4403, REVOKED)
        assert await status(service, of_ada) == 401
    async with serving(settings) as again:
        assert await status(again, of_ada) == 401
        assert await status(again, of_opal) == 200


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_a_request_whose_body_comes_after_the_revocation_is_refused(
    settings: Settings, signed_in: Service, accept: str
) -> None:
    of_ada, body = token(settings, "ada"), b'{"query": "subscription { readModelUpdates { __typename } }"}'
    assert await status(signed_in, of_ada) == 200
    host, port = signed_in.client.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {of_ada}\r\n"
        f"Content-Type: application/json\r\nAccept: {accept}\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(20):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await signed_in.circle.revocations.revoke("ada", by="opal")
        writer.write(body)
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401 "), answer


async def test_a_stream_that_begins_after_the_revocation_of_its_viewer_ends_at_once(
    settings: Settings, signed_in: Service
) -> None:
    """The viewer of a request is known before its operation is executed."""
    authenticator = authenticator_of(settings, settings.data_dir)
    assert authenticator
    authenticator.start(signed_in.circle.revocations)
    of_ada = await authenticator.verify(token(settings, "ada").encode())
    of_bea = await authenticator.verify(token(settings, "bea").encode())
    await signed_in.circle.revocations.revoke("ada", by="opal")
    ended: list[str] = []
    authenticator.watch(of_ada, ended.append)
    unwatch = authenticator.watch(of_bea, ended.append)
    assert ended == [REVOKED]
    assert len(authenticator.sessions) == 1
    unwatch()


@pytest.mark.parametrize("sight", [Sight.STAFF, None])
async def test_nobody_else_revokes(settings: Settings, signed_in: Service, sight: Sight | None) -> None:
    if sight:
        signed_in.client.http.headers.update(bearer(token(settings, "bea", sight)))
    answer = await signed_in.client.send(REVOKE, {"actor": "ada"})
    assert (answer.body["data"], answer.codes) == ({"revokeTokens": None}, ["FORBIDDEN"])
    assert await status(signed_in, token(settings, "ada")) == 200


@pytest.mark.parametrize("actor", ["", " ", "x" * 201, "ada\n", "\0"])
async def test_an_impossible_name_is_refused(settings: Settings, signed_in: Service, actor: str) -> None:
    signed_in.client.http.headers.update(bearer(token(settings, "opal", Sight.OPERATOR)))
    answer = await signed_in.client.send(REVOKE, {"actor": actor})
    [error] = answer.data["revokeTokens"]["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "actor"])
    assert answer.data["revokeTokens"]["revokedAt"] is None


async def test_revocations_are_numbered_in_the_order_of_their_commits(database_url: str) -> None:
    async with open_database(database_url) as engines, open_database(database_url) as others:
        stores = SqlWriteStore(engines, None), SqlWriteStore(others, None)  # type: ignore[arg-type]
        made = await asyncio.gather(
            *(stores[number % 2].revoke(f"actor {number}", by="opal") for number in range(20))
        )
        assert sorted(each.number for each in made) == list(range(1, 21))
        read = await stores[0].revocations(after=0)
        assert [each.number for each in read] == list(range(1, 21))
        assert sorted(each.actor for each in read) == sorted(each.actor for each in made)
        assert await stores[1].revocations(after=18) == read[18:]


async def test_tokens_count_from_the_moment_after_the_newest_revocation(database_url: str) -> None:
    async with open_database(database_url) as engines:
        store = SqlWriteStore(engines, None)  # type: ignore[arg-type]
        revocations, heard = Revocations(store), list[str]()
        revocations.listen(heard.append)
        at = [(await revocations.revoke("ada", by="opal")).at for _ in range(2)][-1]
        assert heard == ["ada", "ada"]
        assert revocations.is_revoked("ada", at.timestamp())
        assert revocations.is_revoked("ada", None)
        assert not revocations.is_revoked("ada", (at + timedelta(milliseconds=1)).timestamp())
        assert not revocations.is_revoked("bea", None)
