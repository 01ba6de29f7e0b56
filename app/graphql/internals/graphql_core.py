"""The private names of graphql-core that Diptych uses, with the reason.

`tests/graphql/internals/test_graphql_core.py` fails with the release that has changed one of them.
"""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLObjectType
from graphql.execution import Executor
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList

Collected = dict[tuple[GraphQLObjectType, int], tuple[FieldDetailsList, CollectedFields]]
"""Sub-fields by type and by the `id` of a list of field nodes, which is kept so that no other gets its id.

An executor looks up sub-fields in this dictionary, and shares it with its copies. No public interface gives
access to it.
"""


def collected_by(executor: Executor[Any]) -> Mapping[Any, Any]:
    """Return the sub-fields that an executor has collected."""
    return executor._relevant_sub_fields


def collect_into(executor: Executor[Any], collected: Collected) -> None:
    """Have an executor use `collected` as its dictionary of sub-fields."""
    executor._relevant_sub_fields = collected
