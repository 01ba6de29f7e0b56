"""How large an operation may be. Every check takes time in proportion to the text, whatever it contains."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TokenKind,
    get_operation_ast,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from graphql.validation.validate import ValidationAbortedError
from strawberry.extensions import SchemaExtension

from app.graphql.admission.counting import formula, fragments_of
from app.graphql.admission.documents import documents
from app.graphql.admission.lists import refuse_long_lists
from app.graphql.admission.turns import turns
from app.graphql.admission.validation import locating
from app.graphql.internals.strawberry import core_schema, sent_operation_name

MOST_TOKENS = 4000
MOST_DIGITS = 40
"""Of a number in the text; the largest one that any field takes has 34."""

DEEPEST = 40
"""Levels of fields, inline fragments and spreads."""

MOST_SELECTIONS = 2000
"""Fields, inline fragments and spreads, with all fragments spread out."""

LONGEST_SEARCH = 200
"""Characters of a text that documents are searched for."""

# Whether fields can be merged takes quadratic time: within this budget some 15 ms.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 10_000


@dataclass(frozen=True)
class Extent:
    """How deep a selection goes, and how many selections it has with its fragments spread out."""

    depth: int
    selections: int


class Limits(SchemaExtension):
    """Parses and validates within limits, and keeps what was parsed and validated."""

    async def on_parse(self) -> AsyncIterator[None]:
        """Bound the parser; what can't be parsed is left to the library, which says why."""
        context = self.execution_context
        context.parse_options["max_tokens"] = MOST_TOKENS
        await turns.take_for(context.query or "")
        with suppress(GraphQLError):
            context.graphql_document = documents.parse(context.query or "", max_tokens=MOST_TOKENS)
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        """Look at the size first, which is quick."""
        context = self.execution_context
        if context.pre_execution_errors is None and context.graphql_document is not None:
            context.pre_execution_errors = await self._faults(context.graphql_document)
        yield

    async def _faults(self, document: DocumentNode) -> list[GraphQLError]:
        context = self.execution_context
        await turns.take_for(context.query or "")
        try:
            refuse_too_large(document, sent_operation_name(context))
        except GraphQLError as refusal:
            return [refusal]
        faults = await documents.validate(
            core_schema(context.schema), document, locating(context.validation_rules)
        )
        if any(isinstance(fault, ValidationAbortedError) for fault in faults):
            return [_refusal("This selects the same fields too often, or has too many faults to list.")]
        if not faults:
            await turns.take_for(context.query or "")
            faults = self._refused_cost(document)
        return faults

    def _refused_cost(self, document: DocumentNode) -> list[GraphQLError]:
        execution = self.execution_context
        operation = get_operation_ast(document, execution.operation_name)
        if operation is None:  # The library says that there is none of this name.
            return []
        try:
            refuse_long_lists(execution.variables)
            cost = formula(core_schema(execution.schema), fragments_of(document), operation).cost(
                execution.variables
            )
        except GraphQLError as refusal:
            return [refusal]
        if operation.operation is not OperationType.SUBSCRIPTION:
            execution.context.cost = cost
        return []


def _refusal(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "LIMIT_EXCEEDED"})


def refuse_long_search(text: str | None) -> None:
    """Refuses a text to search for that is longer than anything people look for."""
    if text and len(text) > LONGEST_SEARCH:
        raise _refusal(f"search takes at most {LONGEST_SEARCH} characters; this has {len(text)}.")


def refuse_too_large(document: DocumentNode, operation_name: str | None) -> None:
    """Refuses a document that is larger than an answer may cost, or leaves open what to answer."""
    refuse_ambiguity(document, operation_name)
    refuse_long_numbers(document)
    refuse_large_operations(document)


def refuse_ambiguity(document: DocumentNode, operation_name: str | None) -> None:
    """Refuses several operations where none of them is named as the one to run."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) > 1 and operation_name is None:
        raise GraphQLError("There are several operations. Say which to run with operationName.")


def refuse_long_numbers(document: DocumentNode) -> None:
    """Refuses numbers with so many digits that reading them takes long."""
    token = document.loc.start_token if document.loc else None
    while token:
        if token.kind in (TokenKind.INT, TokenKind.FLOAT) and token.end - token.start > MOST_DIGITS:
            raise _refusal(f"There is a number with more than {MOST_DIGITS} digits.")
        token = token.next


def refuse_large_operations(document: DocumentNode) -> None:
    """Refuses operations that are too deep or select too much."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    measured: dict[str, Extent] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            extent = _measure(node.selection_set, fragments, measured)
            if extent.depth > DEEPEST:
                raise _refusal(f"This goes {extent.depth} levels deep. At most {DEEPEST} are allowed.")
            if extent.selections > MOST_SELECTIONS:
                raise _refusal(f"This selects more than {MOST_SELECTIONS} fields, fragments included.")


def _measure(
    selection: SelectionSetNode | None,
    fragments: dict[str, FragmentDefinitionNode],
    measured: dict[str, Extent],
) -> Extent:
    depth = selections = 0
    for node in selection.selections if selection else ():
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name not in measured:
                measured[name] = Extent(0, 0)  # What validation refuses: a missing fragment, or a cycle.
                if name in fragments:
                    measured[name] = _measure(fragments[name].selection_set, fragments, measured)
            inner = measured[name]
        else:
            inner = _measure(getattr(node, "selection_set", None), fragments, measured)
        depth, selections = max(depth, inner.depth + 1), selections + inner.selections + 1
    return Extent(depth, selections)
