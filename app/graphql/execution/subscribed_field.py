"""The root field of a subscription."""

from typing import cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_operation_ast,
)


def subscribed_field(document: DocumentNode, operation_name: str | None) -> FieldNode:
    """Return the first selection of the root field of a valid subscription."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    operation = cast("OperationDefinitionNode", get_operation_ast(document, operation_name))
    return cast("FieldNode", _first_field(operation.selection_set, fragments))


def _first_field(
    selection: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]
) -> FieldNode | None:
    found: FieldNode | None = None
    for node in selection.selections:
        match node:
            case FieldNode():
                found = node
            case InlineFragmentNode():
                found = _first_field(node.selection_set, fragments)
            case FragmentSpreadNode():
                found = _first_field(fragments[node.name.value].selection_set, fragments)
        if found:
            return found
    return None
