"""The files of the operators' page: what it loads, how large it is, and which operations it sends."""

import gzip
import hashlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import graphql
import httpx
import pytest
from starlette.applications import Starlette

from app.config import Settings
from app.web import admin
from app.web.admin import DOCUMENTS, SERVED
from tests.inprocess import serving
from tests.web.test_playground_page import SDL, Tags

MOST_BYTES = 40_000
"""Compressed bytes of the page with all that it loads."""

LIBRARIES = {
    "preact.min.js": "25aa00978fef96e4fd0020cc723a41c3b1a1e81c9c087eff26a77e07a4867e8e",
    "hooks.umd.js": "5c29238e5dc99df306d7f7fff038591a397cfcfabb59f81fbdef43d670aa0566",
    "htm.umd.js": "7a31776e04bd4afde0d4308177d26f377716fcf7e4bd70be590746d6aa594f08",
}
"""The SHA-256 of each file as its npm package has it; `static/vendor/README.md` says which package."""


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=admin.routes(takes_tokens=True))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://diptych.test") as client:
        yield client


async def test_the_page_and_all_that_it_loads_take_few_bytes(client: httpx.AsyncClient) -> None:
    page = await client.get("/admin")
    loaded, waiting = dict[str, bytes](), [*Tags(page.text).addresses()]
    while waiting:
        if (address := waiting.pop()) in loaded or address == "/graphql":
            continue
        response = await client.get(address)
        assert response.status_code == 200, address
        loaded[address] = response.content
        imported = re.findall(r'^import .* from "\./(.+?)";', response.text, re.MULTILINE)
        waiting += [f"/admin/static/{name}" for name in imported if address.endswith(".js")]
    assert {address.removeprefix("/admin/static/") for address in loaded} == SERVED.keys()
    assert sum(len(gzip.compress(file)) for file in [page.content, *loaded.values()]) < MOST_BYTES


async def test_the_policy_allows_nothing_but_files_and_answers_of_this_origin(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/admin")
    tags = Tags(page.text)
    assert tags.inline == ""
    assert not [name for _, attrs in tags.found for name in attrs if name == "style" or name.startswith("on")]
    for response in (page, await client.get("/admin/static/admin.js")):
        policy = dict(rule.split(" ", 1) for rule in response.headers["content-security-policy"].split("; "))
        own = {name for name, value in policy.items() if value == "'self'"}
        assert own == {"script-src", "style-src", "connect-src", "img-src"}
        assert policy["require-trusted-types-for"] == "'script'"
        none = {"default-src", "base-uri", "form-action", "frame-ancestors", "trusted-types"}
        assert {name for name, value in policy.items() if value == "'none'"} == none
    assert (await client.get("/admin/static/admin.html")).status_code == 404


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_is_as_its_package_has_it(name: str) -> None:
    assert hashlib.sha256((SERVED[name] / name).read_bytes()).hexdigest() == LIBRARIES[name]


@pytest.mark.parametrize("id", DOCUMENTS)
def test_the_operations_of_the_page_fit_the_schema(id: str) -> None:
    schema = graphql.build_schema(SDL.read_text("utf-8"))
    assert graphql.validate(schema, graphql.parse(DOCUMENTS[id])) == []


async def test_a_service_of_trusted_documents_answers_the_page(mongo_url: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"products": "{ products { totalCount } }"}))
    settings = Settings(
        data_dir=tmp_path / "data",
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
        documents="trusted",
        documents_manifest=tmp_path / "manifest.json",
    )
    async with serving(settings) as service:
        sent = {"documentId": "admin-status"}
        answer = (await service.client.http.post(f"{service.client.url}/graphql", json=sent)).json()
        assert answer["data"]["serviceStatus"]["head"] == "0"
        refused = await service.client.send("{ serviceStatus { head } }")
        assert refused.codes == ["DOCUMENT_NOT_TRUSTED"]
