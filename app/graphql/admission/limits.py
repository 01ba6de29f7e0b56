"""The limits of an operation's size. Each check takes time proportional to the text, for any text."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_operation_ast,
)
from graphql import OperationType as GraphQLOperationType
from graphql.validation.rules import overlapping_fields_can_be_merged
from graphql.validation.validate import ValidationAbortedError
from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType

from app.graphql.admission.compact_documents import known_of
from app.graphql.admission.counting import formula, fragments_of
from app.graphql.admission.documents import documents
from app.graphql.admission.formula import Formula
from app.graphql.admission.lists import refuse_long_lists
from app.graphql.admission.turns import in_slices, turns
from app.graphql.admission.validation import with_located_literals
from app.graphql.internals.strawberry import core_schema, sent_operation_name

MOST_TOKENS = 4000
MOST_DIGITS = 40
"""Digits of a number in the text; the largest number that any field takes has 34."""

DEEPEST = 40
"""Nested levels of fields, inline fragments and spreads."""

MOST_SELECTIONS = 2000
"""Fields, inline fragments and spreads, after all fragments are expanded."""

LONGEST_SHOWN, MOST_SHOWN = 100, 10
"""Characters of a name, and names, in a message."""

LONGEST_SEARCH = 200
"""Characters of a search text."""

# The check whether fields can be merged takes quadratic time: some 15 ms with this budget.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 10_000


@dataclass(frozen=True)
class Extent:
    """The depth of a selection, and the number of its selections after fragments are expanded."""

    depth: int
    selections: int


class Limits(SchemaExtension):
    """An extension that parses and validates within limits, with a cache."""

    async def on_parse(self) -> AsyncIterator[None]:
        """Parse within limits, and refuse a document that does not say which operation to execute.

        A text with a syntax error is not parsed again by strawberry.
        """
        context = self.execution_context
        name = sent_operation_name(context)
        await turns.take_for(context.query or "")
        try:
            context.graphql_document = await documents.parse(context.query or "", max_tokens=MOST_TOKENS)
            refuse_unclear(context.graphql_document, name)
        except GraphQLError as fault:
            context.graphql_document = _document_named(name)
            context.pre_execution_errors = [fault.with_traceback(None)]
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        """Validate the document; check its size first, which is quick."""
        context = self.execution_context
        if context.pre_execution_errors is None and context.graphql_document is not None:
            context.pre_execution_errors = await self._faults(context.graphql_document)
        yield

    async def _faults(self, document: DocumentNode) -> list[GraphQLError]:
        """Return the errors of a document, without tracebacks.

        Their frames refer to the document and to the execution, which has the errors. In such a reference
        cycle a large document would not be freed when it is dropped.
        """
        execution = self.execution_context
        schema, name = core_schema(execution.schema), sent_operation_name(execution)
        rules = with_located_literals(execution.validation_rules)
        cost = documents.formula(schema, document, rules, name)
        if cost is None:
            await turns.take_for(execution.query or "")
            try:
                refuse_too_large(document)
            except GraphQLError as refusal:
                await turns.take_for(execution.query or "")
                await documents.compact(document)
                return [refusal.with_traceback(None)]
            faults = await documents.validate(schema, document, rules)
            if any(isinstance(fault, ValidationAbortedError) for fault in faults):
                return [
                    _refusal(
                        "The operation selects the same fields too often, or has too many errors to list. "
                        "Use fewer fields and aliases."
                    )
                ]
            if faults:
                return faults
            await turns.take_for(execution.query or "")
            operation = get_operation_ast(document, execution.operation_name)
            assert operation is not None  # Otherwise the document was refused as unclear.
            try:
                cost = await in_slices(partial(formula, schema, fragments_of(document), operation))
            except GraphQLError as refusal:
                return [refusal.with_traceback(None)]
            documents.admit(schema, document, rules, name, cost)
            execution.graphql_document = await documents.compact(document)
        return self._refused_cost(cost)

    def _refused_cost(self, formula: Formula) -> list[GraphQLError]:
        execution = self.execution_context
        try:
            refuse_long_lists(execution.variables)
            cost = formula.cost(execution.variables)
            if execution.operation_type is not OperationType.SUBSCRIPTION:
                execution.context.charge(cost.points, cost.commands)
                execution.context.cost = cost
        except GraphQLError as refusal:
            return [refusal.with_traceback(None)]
        return []


def _document_named(name: str | None) -> DocumentNode:
    """Return a document with the operation that strawberry looks for, in place of a refused one.

    Without any document strawberry would parse the text again.
    """
    nothing = SelectionSetNode(selections=())
    operation = OperationDefinitionNode(
        operation=GraphQLOperationType.QUERY,
        name=NameNode(value=name) if name else None,
        selection_set=nothing,
    )
    return DocumentNode(definitions=(operation,))


def _refusal(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "LIMIT_EXCEEDED"})


def refuse_long_search(text: str | None) -> None:
    """Raise `GraphQLError` if a search text is longer than `LONGEST_SEARCH`."""
    if text and len(text) > LONGEST_SEARCH:
        raise _refusal(f"search has {len(text):,} characters. Send at most {LONGEST_SEARCH}.")


def refuse_too_large(document: DocumentNode) -> None:
    """Raise `GraphQLError` if a document is too large."""
    refuse_long_numbers(document)
    refuse_large_operations(document)


def refuse_unclear(document: DocumentNode, operation_name: str | None) -> None:
    """Raise `GraphQLError` if a document and a name do not say together which operation to execute."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if not operations:
        raise GraphQLError("The document has no operation. Add a query, a mutation or a subscription.")
    if operation_name is None:
        if len(operations) > 1:
            raise GraphQLError(
                f"The document has {len(operations)} operations. Name the one to execute in operationName."
            )
        return
    names = [node.name.value for node in operations if node.name]
    if operation_name not in names:
        advice = (
            f"Send one that it has: {_listed(names)}." if names else "Send none: its operation has no name."
        )
        raise GraphQLError(
            f"The document has no operation with the operationName {_listed([operation_name])}. {advice}"
        )


def _listed(names: Sequence[str]) -> str:
    """Return names for a message, which is shorter than they may be."""
    shown = [
        name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}…" for name in names[:MOST_SHOWN]
    ]
    return ", ".join(shown) + (", …" if len(names) > MOST_SHOWN else "")


def refuse_long_numbers(document: DocumentNode) -> None:
    """Raise `GraphQLError` if a number has so many digits that parsing it takes long."""
    longest = known_of(document).longest_number
    if longest > MOST_DIGITS:
        raise _refusal(f"A number has {longest:,} characters. At most {MOST_DIGITS} are allowed.")


def refuse_large_operations(document: DocumentNode) -> None:
    """Raise `GraphQLError` if an operation is too deep or has too many selections."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    measured: dict[str, Extent] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            extent = _measure(node.selection_set, fragments, measured)
            if extent.depth > DEEPEST:
                raise _refusal(
                    f"The operation is {extent.depth} levels deep. At most {DEEPEST} are allowed: "
                    "send several operations."
                )
            if extent.selections > MOST_SELECTIONS:
                raise _refusal(
                    f"The operation has {extent.selections:,} selections, fragments included. At most "
                    f"{MOST_SELECTIONS:,} are allowed: select fewer fields, or send several operations."
                )


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
                measured[name] = Extent(0, 0)  # for a missing fragment or a cycle, which validation refuses
                if name in fragments:
                    measured[name] = _measure(fragments[name].selection_set, fragments, measured)
            inner = measured[name]
        else:
            inner = _measure(getattr(node, "selection_set", None), fragments, measured)
        depth, selections = max(depth, inner.depth + 1), selections + inner.selections + 1
    return Extent(depth, selections)
