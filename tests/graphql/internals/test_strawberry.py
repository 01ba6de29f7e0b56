"""What is used of strawberry's private names: the release that fails here has changed them."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
import strawberry
from graphql import GraphQLResolveInfo, GraphQLSchema
from strawberry.extensions import SchemaExtension
from strawberry.types.info import Info

from app.graphql.internals.strawberry import core_schema, resolve_info, sent_operation_name
from tests.releases import still_there

HOME = "app/graphql/internals/strawberry.py"
TWO_OPERATIONS = "query First { field } query Second { field }"


@strawberry.type
class Query:
    @strawberry.field
    def field(self, info: Info[Any, Any]) -> str:
        with still_there("strawberry-graphql", HOME):
            raw = resolve_info(info)
            assert isinstance(raw, GraphQLResolveInfo | tuple), f"the private info is a {type(raw).__name__}"
            return f"{raw.parent_type.name}.{raw.field_name}"


class Noting(SchemaExtension):
    """Notes the name that was sent with each operation."""

    sent: list[str | None]

    def on_operation(self) -> Iterator[None]:
        with still_there("strawberry-graphql", HOME):
            self.sent.append(sent_operation_name(self.execution_context))
        yield


def test_a_schema_has_graphql_cores_schema() -> None:
    with still_there("strawberry-graphql", HOME):
        core = core_schema(strawberry.Schema(Query))
        assert isinstance(core, GraphQLSchema), f"the private schema is a {type(core).__name__}"
        assert "Query" in core.type_map


def test_a_release_without_it_is_named() -> None:
    schema = strawberry.Schema(Query)
    del schema._schema
    told = rf"^strawberry-graphql {re.escape(version('strawberry-graphql'))} no longer has Schema\._schema\."
    with pytest.raises(ImportError, match=told):
        core_schema(schema)


def test_an_info_has_graphql_cores_info() -> None:
    result = strawberry.Schema(Query).execute_sync("{ field }")
    assert (result.data, result.errors) == ({"field": "Query.field"}, None)


def test_an_operation_without_a_name_is_told_from_one_that_names_the_first() -> None:
    class Noted(Noting):
        sent: list[str | None] = []  # noqa: RUF012 - of this test alone

    schema = strawberry.Schema(Query, extensions=[Noted])
    for name in ("First", "Second", None):
        schema.execute_sync(TWO_OPERATIONS, operation_name=name)
    assert Noted.sent == ["First", "Second", None]
