"""The schema as the tools of those who write clients see it."""

from types import ModuleType

from graphql import GraphQLObjectType, build_schema

from tests.clients.client import GENERATED, SCHEMA
from tests.node import NpmProject

RELEASED = "released.graphql"


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
    await node.run("javascript/breaking-changes.js", RELEASED, str(SCHEMA))


async def test_relay_compiler_makes_pages_of_connections(relay_artifacts: NpmProject) -> None:
    page = (GENERATED / "relay" / "ShopProductsQuery.graphql.js").read_text()
    assert '"handle": "connection"' in page
    refetched = (GENERATED / "relay" / "ShopProductAgainQuery.graphql.js").read_text()
    assert "node(id: $id)" in refetched


async def test_graphql_codegen_gives_types_that_typescript_takes(node: NpmProject) -> None:
    await node.use("graphql-codegen", "--config", "codegen.json", "--silent")
    await node.use("tsc")


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
