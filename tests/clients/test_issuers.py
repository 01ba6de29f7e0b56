"""Tokens of real issuers, found by OpenID discovery, are taken, also those with keys that are made later."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest

from app.config import Settings
from tests.graphql.transport.identity import bearer
from tests.inprocess import Service, serving
from tests.node import NpmProject

pytestmark = pytest.mark.campaign

AUDIENCE = "https://shop.example"
STAFF_ONLY = "{ activity(first: 1) { nodes { actor } } }"
PATIENCE = 90
"""Seconds for the issuer's start, and for a key that it makes."""


@dataclass
class Issuer:
    """A process of node that issues tokens."""

    process: asyncio.subprocess.Process
    http: httpx.AsyncClient
    url: str = ""

    async def says(self) -> str:
        """The next line that it says."""
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stdout.readline()).decode().strip()

    async def new_key(self, algorithm: str) -> str:
        assert self.process.stdin
        self.process.stdin.write(f"{algorithm}\n".encode())
        return await self.says()

    async def token(self, client: str = "", secret: str = "", **asked: str) -> str:
        given = {"grant_type": "client_credentials", **asked}
        answer = await self.http.post(f"{self.url}/token", data=given, auth=(client, secret))
        token: str = answer.raise_for_status().json()["access_token"]
        return token


@asynccontextmanager
async def issuing(node: NpmProject, name: str) -> AsyncIterator[Issuer]:
    command = node.command("javascript/issuers.js", name)
    process = await asyncio.create_subprocess_exec(*command, cwd=node.folder, stdin=PIPE, stdout=PIPE)
    try:
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            issuer = Issuer(process, http)
            while not issuer.url.startswith("http"):
                issuer.url = await issuer.says()
            yield issuer
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def trusting(issuer: Issuer, mongo_url: str, folder: Any, **more: Any) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=folder,
        mongodb_url=mongo_url,
        mongodb_database=folder.name,
        auth_issuer=issuer.url,
        auth_audience=AUDIENCE,
        **more,
    )
    async with serving(settings) as service:
        yield service


async def asked(service: Service, token: str) -> tuple[int, list[str]]:
    answer = await service.client.http.post(
        f"{service.client.url}/graphql", json={"query": STAFF_ONLY}, headers=bearer(token)
    )
    return answer.status_code, [each["extensions"]["code"] for each in answer.json().get("errors", [])]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_takes_access_tokens_of_oidc_provider(
    node: NpmProject, mongo_url: str, tmp_path: Any, algorithm: str
) -> None:
    async with (
        issuing(node, "oidc-provider") as issuer,
        trusting(issuer, mongo_url, tmp_path, auth_roles_claim="scope") as shop,
    ):
        client = {"client": f"clerk-of-{algorithm}", "secret": "a+secret+of+the+client", "resource": AUDIENCE}
        assert await asked(shop, await issuer.token(**client, scope="staff")) == (200, [])
        without_scope = await issuer.token(**client)
        assert await asked(shop, without_scope) == (200, ["FORBIDDEN"])


async def test_takes_tokens_of_oauth2_mock_server_with_every_key_that_it_makes(
    node: NpmProject, mongo_url: str, tmp_path: Any
) -> None:
    clerk = {"sub": "clerk", "roles": ["staff"]}
    async with issuing(node, "oauth2-mock-server") as issuer, trusting(issuer, mongo_url, tmp_path) as shop:
        assert await asked(shop, await issuer.token(claims=json.dumps(clerk))) == (200, [])
        for algorithm in ("ES256", "EdDSA", "RS256"):
            new = await issuer.new_key(algorithm)
            signed_with = ""
            while signed_with != new:
                token = await issuer.token(claims=json.dumps(clerk))
                signed_with = jwt.get_unverified_header(token)["kid"]
                assert await asked(shop, token) == (200, []), algorithm
        for change in ({"aud": "https://other.example"}, {"iss": "https://other.example"}, {"exp": 1}):
            token = await issuer.token(claims=json.dumps(clerk | change))
            assert await asked(shop, token) == (401, ["UNAUTHENTICATED"]), change
        assert await asked(shop, await issuer.token(claims='{"sub": "visitor"}')) == (200, ["FORBIDDEN"])
