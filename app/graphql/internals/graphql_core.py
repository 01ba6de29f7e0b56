"""All that Diptych uses of graphql-core which graphql-core keeps private, with the reason.

`tests/graphql/internals/test_graphql_core.py` names the release that has changed it.
"""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLObjectType
from graphql.execution import Executor
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList

Collected = dict[tuple[GraphQLObjectType, int], tuple[FieldDetailsList, CollectedFields]]
"""Sub-fields by type and the identity of a list of field nodes; the list is kept, so that its id stays taken.

An executor looks up the sub-fields of a list there, and shares the dictionary with its copies. No public
interface reaches it.
"""


def collected_by(executor: Executor[Any]) -> Mapping[Any, Any]:
    """Return the sub-fields that an executor has collected."""
    return executor._relevant_sub_fields


def collect_into(executor: Executor[Any], collected: Collected) -> None:
    """Have an executor look up sub-fields in `collected`, and add there what it collects."""
    executor._relevant_sub_fields = collected
