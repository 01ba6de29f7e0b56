"""Which subscriptions are alike, so that one execution can serve them."""

from dataclasses import dataclass

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    TokenKind,
    VariableNode,
    get_operation_ast,
)

from app.cqrs.sizes import compact
from app.graphql.admission.documents import documents
from app.graphql.admission.limits import MOST_TOKENS
from app.graphql.execution.context import Context
from app.graphql.execution.requested import Operation


@dataclass(frozen=True)
class Likeness:
    """What two subscriptions have in common that go on alike from equal steps, and where this one starts."""

    same: bytes
    start: str


def likeness(operation: Operation, context: Context) -> Likeness | None:
    """How an operation is like others; `None` for what is no subscription."""
    try:
        document = documents.parse(operation.query, max_tokens=MOST_TOKENS)
    except GraphQLError:
        return None
    selected = get_operation_ast(document, operation.operation_name)
    if selected is None or selected.operation is not OperationType.SUBSCRIPTION:
        return None
    variables = dict(operation.variables or {})
    resumed_by = _resumed_by(document, selected)
    given = variables.pop(resumed_by, None) if resumed_by else None
    same = [operation.query, operation.operation_name, variables, context.viewer]
    start = repr((given if operation.after is None else operation.after, context.asked))
    return Likeness(compact(orjson.dumps(same, option=orjson.OPT_SORT_KEYS)), start)


def _resumed_by(document: DocumentNode, selected: OperationDefinitionNode) -> str | None:
    """The variable that is the subscription's `after` and nothing else."""
    for node in selected.selection_set.selections:
        for argument in (node.arguments or ()) if isinstance(node, FieldNode) else ():
            if argument.name.value == "after" and isinstance(argument.value, VariableNode):
                name = argument.value.name.value
                return name if _mentions(document, name) == 2 else None  # where it is defined, and here
    return None


def _mentions(document: DocumentNode, variable: str) -> int:
    count, token = 0, document.loc.start_token if document.loc else None
    while token:
        if token.kind is TokenKind.DOLLAR and token.next and token.next.value == variable:
            count += 1
        token = token.next
    return count
