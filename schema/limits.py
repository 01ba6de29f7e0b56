"""How large an operation may be. Every check takes time in proportion to the text, whatever it contains."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from strawberry.extensions import SchemaExtension

MOST_TOKENS = 4000
DEEPEST = 20
MOST_FIELDS = 2000
"""Fields of an operation with all its fragments spread out."""


@dataclass(frozen=True)
class Extent:
    """How deep a selection goes, and how many fields it has with its fragments spread out."""

    depth: int
    fields: int


class Limits(SchemaExtension):
    """Refuses what is too large before it is validated, and what doesn't say which operation to run."""

    def on_operation(self) -> Iterator[None]:
        """Bounds the parser, which also bounds its recursion."""
        self.execution_context.parse_options["max_tokens"] = MOST_TOKENS
        refuse_deep_nesting(self.execution_context.query or "")
        yield

    def on_parse(self) -> Iterator[None]:
        """Looks at the parsed document."""
        yield
        document = self.execution_context.graphql_document
        if document is None:
            return
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        if len(operations) > 1 and not self.execution_context._provided_operation_name:
            raise _refusal("There are several operations. Say which to run with operationName.")
        check(document)


def _refusal(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "LIMIT_EXCEEDED"})


def refuse_deep_nesting(text: str) -> None:
    """Refuses brackets nested deeper than any document within the limits has them."""
    depth = 0
    for character in text:
        if character in "{[(":
            depth += 1
            if depth > 4 * DEEPEST:
                raise _refusal(f"This is nested too deeply. At most {DEEPEST} levels of fields are allowed.")
        elif character in "}])":
            depth -= 1


def check(document: DocumentNode) -> None:
    """Refuses operations that are too deep or have too many fields."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    measured: dict[str, Extent] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            extent = _measure(node.selection_set, fragments, measured, ())
            if extent.depth > DEEPEST:
                raise _refusal(f"This goes {extent.depth} levels deep. At most {DEEPEST} are allowed.")
            if extent.fields > MOST_FIELDS:
                raise _refusal(f"This asks for {extent.fields} fields. At most {MOST_FIELDS} are allowed.")


def _measure(
    selection: SelectionSetNode | None,
    fragments: dict[str, FragmentDefinitionNode],
    measured: dict[str, Extent],
    within: tuple[str, ...],
) -> Extent:
    depth = fields = 0
    for node in selection.selections if selection else ():
        if isinstance(node, FragmentSpreadNode):
            extent = _measure_fragment(node.name.value, fragments, measured, within)
        elif isinstance(node, FieldNode):
            inner = _measure(node.selection_set, fragments, measured, within)
            extent = Extent(inner.depth + 1, inner.fields + 1)
        else:
            inner_selection = node.selection_set if isinstance(node, InlineFragmentNode) else None
            extent = _measure(inner_selection, fragments, measured, within)
        depth, fields = max(depth, extent.depth), fields + extent.fields
    return Extent(depth, fields)


def _measure_fragment(
    name: str,
    fragments: dict[str, FragmentDefinitionNode],
    measured: dict[str, Extent],
    within: tuple[str, ...],
) -> Extent:
    if name in within or name not in fragments:  # Validation says what is wrong with these.
        return Extent(0, 0)
    if name not in measured:
        measured[name] = _measure(fragments[name].selection_set, fragments, measured, (*within, name))
    return measured[name]
