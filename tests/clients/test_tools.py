"""The schema as the tools of those who write clients see it."""

import asyncio
from pathlib import Path
from subprocess import run
from types import ModuleType

import pytest
from graphql import GraphQLObjectType, build_schema

from tests.clients.client import GENERATED, SCHEMA
from tests.node import NpmProject

pytestmark = pytest.mark.campaign

RELEASED, HARMLESS = "released.graphql", "harmless-changes.txt"


async def test_graphql_eslint_has_nothing_to_say(node: NpmProject) -> None:
    await node.use("eslint", "--max-warnings=0", "--stdin", "--stdin-filename=schema.graphql", stdin=SCHEMA)


def test_only_nodes_have_an_id() -> None:
    """Relay and caches take whatever has an `id` for the thing that the id leads to."""
    schema = build_schema(SCHEMA.read_text())
    objects = [each for each in schema.type_map.values() if isinstance(each, GraphQLObjectType)]
    values = [each for each in objects if all(interface.name != "Node" for interface in each.interfaces)]
    assert [each.name for each in values if "id" in each.fields] == []


async def test_breaks_no_client_of_the_last_release(node: NpmProject) -> None:
    """A release copies `schema/schema.graphql` to `released.graphql`: it promises to keep what is in it."""
    await node.run("javascript/breaking-changes.js", RELEASED, str(SCHEMA), HARMLESS)


GOODS = """
    enum Sort { NAME }
    input Filter { inStock: Boolean! = true, text: String }
    interface Thing { id: ID! }
    type Good implements Thing { id: ID!, name: String }
    type Shop { id: ID! }
    union Found = Good
    type Query { goods(first: Int! = 10, sort: Sort, filter: Filter): [Good], find: Found, shop: Shop }
"""

REFUSED = {
    "a default that is removed": ("first: Int! = 10", "first: Int!"),
    "a default that is another": ("first: Int! = 10", "first: Int! = 20"),
    "an input's default that is removed": ("inStock: Boolean! = true", "inStock: Boolean!"),
    "a field that is removed": (", name: String", ""),
    "a field that may be null": ("id: ID!, name", "id: ID, name"),
    "an argument that must be sent": ("sort: Sort", "sort: Sort!"),
    "a new argument that must be sent": ("sort: Sort", "sort: Sort, by: ID!"),
    "a value that clients may not know": ("{ NAME }", "{ NAME, PRICE }"),
    "a type of a union that clients may not know": ("= Good", "= Good | Shop"),
    "a type of an interface that clients may not know": ("type Shop", "type Shop implements Thing"),
}
GOOD = {
    "nothing": ("", ""),
    "a field": ("name: String", "name: String, price: Int"),
    "an argument that may be left out": ("sort: Sort", "sort: Sort, by: ID, on: Int! = 1"),
    "an input field that may be left out": ("text: String", "text: String, by: ID, on: Int! = 1"),
    "a field that is never null": ("name: String", "name: String!"),
    "an argument that need not be sent": ("first: Int! = 10", "first: Int = 10"),
}


async def changes(node: NpmProject, folder: Path, old: str, new: str, harmless: str = "") -> list[str]:
    """Return what the check says of a change of the schema; empty where it lets it through."""
    files = {"old": GOODS, "new": GOODS.replace(old, new), "harmless": f"# Tried.\n{harmless}\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
    command = node.command("javascript/breaking-changes.js", *(str(folder / name) for name in files))
    done = await asyncio.to_thread(run, command, cwd=node.folder, capture_output=True, text=True, check=False)
    said: list[str] = done.stdout.splitlines()
    assert done.returncode == bool(said), done.stderr
    return said


@pytest.mark.parametrize("name", REFUSED)
async def test_a_change_that_may_break_a_client_is_refused_unless_it_is_listed(
    node: NpmProject, tmp_path: Path, name: str
) -> None:
    [change] = await changes(node, tmp_path, *REFUSED[name])
    assert await changes(node, tmp_path, *REFUSED[name], harmless=change) == []


@pytest.mark.parametrize("name", GOOD)
async def test_a_change_that_breaks_no_client_is_let_through(
    node: NpmProject, tmp_path: Path, name: str
) -> None:
    assert await changes(node, tmp_path, *GOOD[name]) == []


async def test_what_is_listed_and_no_change_is_refused(node: NpmProject, tmp_path: Path) -> None:
    listed = "Sort.PRICE: Enum value 'PRICE' was added to enum 'Sort'"
    assert await changes(node, tmp_path, "", "", harmless=listed) == [f"{listed} (is listed, and no change)"]


async def test_relay_compiler_makes_pages_of_connections(relay_artifacts: NpmProject) -> None:
    page = (GENERATED / "relay" / "ShopProductsQuery.graphql.js").read_text()
    assert '"handle": "connection"' in page
    refetched = (GENERATED / "relay" / "ShopProductAgainQuery.graphql.js").read_text()
    assert "node(id: $id)" in refetched


async def test_graphql_codegen_relay_compiler_and_the_npm_package_give_types_that_typescript_takes(
    written_pages: NpmProject,
) -> None:
    await written_pages.use("tsc")


def test_ariadne_codegen_gives_types_to_refusals(generated_client: ModuleType) -> None:
    refusals = generated_client.AddProduct.model_validate(
        {
            "addProduct": {
                "receipt": {"token": None, "events": []},
                "errors": [{"__typename": "DuplicateSku", "message": "Taken.", "productId": "A"}],
            }
        }
    ).add_product.errors
    assert [refusal.product_id for refusal in refusals] == ["A"]
