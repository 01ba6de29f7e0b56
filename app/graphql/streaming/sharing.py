"""The keys by which equal subscriptions are found, so that they share one execution."""

from collections.abc import Collection
from dataclasses import dataclass

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_operation_ast,
)

from app.cqrs.memory.sizes import compact
from app.graphql.admission.compact_documents import known_of
from app.graphql.admission.documents import documents
from app.graphql.admission.limits import MOST_TOKENS
from app.graphql.execution.context import Context
from app.graphql.execution.operation import Operation


@dataclass(frozen=True)
class SharingKey:
    """The key of a subscription: the operation that it executes, and the position from which it starts."""

    operation: bytes
    """Two executions with equal values yield equal items from equal steps on."""
    start: str


async def sharing_key(operation: Operation, context: Context, by_actor: Collection[str]) -> SharingKey | None:
    """Return the key of a subscription; `None` for any other operation.

    An operation that names one of the fields `by_actor` is shared by viewers with the same actor only.
    """
    try:
        document = await documents.parse(operation.query, max_tokens=MOST_TOKENS)
    except GraphQLError:
        return None
    selected = get_operation_ast(document, operation.operation_name)
    if selected is None or selected.operation is not OperationType.SUBSCRIPTION:
        return None
    variables = dict(operation.variables or {})
    resumed_by = _resumed_by(document, selected)
    given = variables.pop(resumed_by, None) if resumed_by else None
    viewer = context.viewer
    actor = viewer.actor if any(field in operation.query for field in by_actor) else None
    executed = [operation.query, operation.operation_name, variables, str(viewer.scope), actor]
    start = repr((given if operation.after is None else operation.after, context.sent_tokens))
    return SharingKey(compact(orjson.dumps(executed, option=orjson.OPT_SORT_KEYS)), start)


def _resumed_by(document: DocumentNode, selected: OperationDefinitionNode) -> str | None:
    """Return the variable that is used for the subscription's argument `after` only; `None` without one."""
    for node in selected.selection_set.selections:
        for argument in (node.arguments or ()) if isinstance(node, FieldNode) else ():
            if argument.name.value == "after" and isinstance(argument.value, VariableNode):
                name = argument.value.name.value
                mentions = known_of(document).variables.count(name)
                return name if mentions == 2 else None  # its definition and this use
    return None
