"""The private names of strawberry that Diptych uses, each with the reason.

`tests/graphql/internals/test_strawberry.py` fails with the release that has changed one of them.
"""

from importlib.metadata import version
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema
from strawberry.schema.base import BaseSchema
from strawberry.types import ExecutionContext
from strawberry.types.info import Info


def core_schema(schema: BaseSchema) -> GraphQLSchema:
    """Return graphql-core's schema, which validation, compilation and the completeness check need.

    strawberry gives it only to functions that resolve a field or a type. Nothing can be imported without it,
    not even the tests, so the error for a release that has removed it is raised here.
    """
    try:
        core: GraphQLSchema = schema._schema  # type: ignore[attr-defined]  # only the subclass declares it
    except AttributeError as error:
        raise ImportError(
            f"strawberry-graphql {version('strawberry-graphql')} no longer has Schema._schema. Install an "
            "older release, or change app/graphql/internals/strawberry.py."
        ) from error
    return core


def resolve_info(info: Info[Any, Any]) -> GraphQLResolveInfo[Any]:
    """Return graphql-core's information for a resolver, to which the executor adds the needed fields.

    strawberry passes on some parts of it, but none to which an executor could add anything.
    """
    return info._raw_info


def sent_operation_name(execution: ExecutionContext) -> str | None:
    """Return the name of the operation to execute, as the client sent it; `None` if it sent none.

    Without a sent name the public `operation_name` is the name of the first operation, so a request that does
    not choose between several operations would look like one that chose the first.
    """
    return execution._provided_operation_name
