"""All that Diptych reads of strawberry which strawberry keeps private, each with the reason.

`tests/graphql/internals/test_strawberry.py` names the release that has changed one of them.
"""

from importlib.metadata import version
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema
from strawberry.schema.base import BaseSchema
from strawberry.types import ExecutionContext
from strawberry.types.info import Info


def core_schema(schema: BaseSchema) -> GraphQLSchema:
    """Return graphql-core's schema, which is validated against, compiled and checked for what is missing.

    strawberry itself gives it to no one but the functions that resolve a field or a type. Nothing can be
    imported without it, tests included, so a release that has it no more is named here.
    """
    try:
        core: GraphQLSchema = schema._schema  # type: ignore[attr-defined]  # only the subclass declares it
    except AttributeError as error:
        raise ImportError(
            f"strawberry-graphql {version('strawberry-graphql')} has no Schema._schema any more. Install an "
            "older release, or find another way in app/graphql/internals/strawberry.py."
        ) from error
    return core


def resolve_info(info: Info[Any, Any]) -> GraphQLResolveInfo[Any]:
    """Return what graphql-core tells a resolver; the executor adds the fields that are needed to it.

    strawberry passes on some parts of it, and none that an executor could fill.
    """
    return info._raw_info


def sent_operation_name(execution: ExecutionContext) -> str | None:
    """Return the name of the operation to run, as the client sent it; `None` if it sent none.

    The public `operation_name` is then the name of the first operation: a request that leaves open which of
    several operations to run would look like one that chose the first.
    """
    return execution._provided_operation_name
