"""The reads of each root field, by the way in which they were answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    get_operation_ast,
)

ORDINARY, COMPILED, KEPT = "ordinary", "compiled", "kept"
"""The ways: by strawberry, by a compiled operation, and with an answer from memory."""


@dataclass(slots=True)
class FieldReads:
    """The numbers of reads of one root field, by way."""

    ordinary: int = 0
    compiled: int = 0
    kept: int = 0

    def by_way(self) -> Mapping[str, int]:
        """Return the numbers by the name of the way."""
        return {ORDINARY: self.ordinary, COMPILED: self.compiled, KEPT: self.kept}


class Reads:
    """The reads of all root fields; there are no more of these than the schema has."""

    def __init__(self) -> None:
        self.by_field: dict[str, FieldReads] = {}

    def of(self, fields: Sequence[str]) -> tuple[FieldReads, ...]:
        """Return the counters of these root fields of a valid query."""
        return tuple(self.by_field.setdefault(name, FieldReads()) for name in fields)


def root_fields(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Sequence[str]:
    """Return the names of an operation's root fields, each once, in no particular order."""
    names, spread = dict[str, None](), set[str]()
    waiting: list[Any] = [*operation.selection_set.selections]
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldNode):
            names[node.name.value] = None
        elif not isinstance(node, FragmentSpreadNode):
            waiting += node.selection_set.selections
        elif node.name.value not in spread:
            spread.add(node.name.value)
            waiting += fragments[node.name.value].selection_set.selections
    return [name for name in names if not name.startswith("__")]


def fields_read(document: DocumentNode, operation_name: str | None) -> Sequence[str]:
    """Return the names of the root fields of an operation in a valid document; none if it is not there."""
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        return ()
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    return root_fields(operation, fragments)
