import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import graphql
import httpx
import pytest
from graphql.execution.values import get_variable_values
from starlette.applications import Starlette
from starlette.routing import Route

from app.web import playground as playground_page
from app.web.playground import SERVED, playground, prepared_tabs, routes

SDL = Path(__file__).parents[2] / "schema" / "schema.graphql"


class Tags(HTMLParser):
    """Collects a page's tags with their attributes, and the text inside `<script>` and `<style>`."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in {"script", "style"}:
            self.inline += data.strip()

    def addresses(self) -> list[str]:
        return [value for _, attrs in self.found for name in ("src", "href") if (value := attrs.get(name))]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/graphql", playground), *routes])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://diptych.test") as client:
        yield client


async def test_the_page_loads_nothing_but_served_files(client: httpx.AsyncClient) -> None:
    tags = Tags((await client.get("/graphql")).text)

    assert len(tags.addresses()) == 10
    for address in tags.addresses():
        assert (await client.get(address)).status_code == 200, address


async def test_the_page_has_no_inline_script_or_style(client: httpx.AsyncClient) -> None:
    tags = Tags((await client.get("/graphql")).text)

    assert tags.inline == ""
    assert not [name for _, attrs in tags.found for name in attrs if name == "style" or name.startswith("on")]


async def test_the_policy_allows_this_origin_only(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/graphql")).headers
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))

    assert policy.pop("default-src") == policy.pop("base-uri") == policy.pop("form-action") == "'none'"
    assert policy.pop("frame-ancestors") == "'none'"
    assert policy.pop("script-src") == policy.pop("connect-src") == "'self'"
    assert policy.pop("img-src") == policy.pop("font-src") == "'self' data:"
    assert re.fullmatch(r"'self' 'sha256-[\w+/]{43}='", policy.pop("style-src"))
    assert policy == {}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"


async def test_the_page_is_kept_apart_from_answers_in_json(client: httpx.AsyncClient) -> None:
    assert (await client.get("/graphql")).headers["vary"] == "Accept"


@pytest.mark.parametrize("name", SERVED)
async def test_files_have_their_type_and_are_not_sent_twice(client: httpx.AsyncClient, name: str) -> None:
    first = await client.get(f"/playground/static/{name}")
    again = await client.get(f"/playground/static/{name}", headers={"If-None-Match": first.headers["etag"]})

    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    assert first.headers["content-type"].split(";")[0] == kinds[name.rsplit(".", 1)[1]]
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "playground.html",
        "tabs/1-browse.graphql",
        "fetch.umd.js",
        "..%2fplayground.py",
        "%2e%2e/health.py",
        "%00",
    ],
)
async def test_serves_no_other_file(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/playground/static/{name}")).status_code == 404


def test_scripts_import_served_files_only() -> None:
    static = Path(playground_page.__file__).parent / "static"
    own = [static / name for name, folder in SERVED.items() if folder == static and name.endswith(".js")]
    imported = {name for file in own for name in re.findall(r'from "\./(.+?)"', file.read_text("utf-8"))}

    assert imported == {"access.js", "fetcher.js", "operations.js", "result.js", "status.js", "tabs.js"}
    assert imported | {"playground.js"} == {file.name for file in own}


def test_prepares_a_query_a_mutation_and_a_subscription() -> None:
    kinds = [operation(tab).operation.value for tab in prepared_tabs()]

    assert kinds == ["query", "mutation", "subscription"]


@pytest.mark.parametrize("tab", prepared_tabs(), ids=["query", "mutation", "subscription"])
def test_prepared_operations_fit_the_schema(tab: dict[str, str]) -> None:
    schema = graphql.build_schema(SDL.read_text("utf-8"))
    variables = get_variable_values(
        schema, operation(tab).variable_definitions or (), json.loads(tab.get("variables", "{}"))
    )

    assert graphql.validate(schema, graphql.parse(tab["query"])) == []
    assert not isinstance(variables, list), variables


def operation(tab: dict[str, str]) -> graphql.OperationDefinitionNode:
    found = graphql.get_operation_ast(graphql.parse(tab["query"]))
    assert found
    return found
