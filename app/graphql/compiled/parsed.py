"""Parsed operations that are valid and within the limits."""

from dataclasses import dataclass
from sys import getsizeof
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from app.graphql.admission.documents import bytes_of_document, documents
from app.graphql.admission.limits import MOST_TOKENS, refuse_too_large, refuse_unclear
from app.graphql.admission.turns import pause, turns
from app.graphql.admission.validation import RULES
from app.graphql.internals.graphql_core import Collected


class NotCovered(Exception):
    """The operation can't be compiled, or is invalid; strawberry executes it, or reports the errors."""


@dataclass(frozen=True)
class Parsed:
    """A valid operation with its fragments."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    deciding: tuple[str, ...]
    """The variables in `@skip` and `@include`."""
    bytes: int
    """The size of the document and its text in memory."""

    @property
    def is_mutation(self) -> bool:
        """True if the operation has effects, and is executed once."""
        return self.operation.operation is OperationType.MUTATION

    @property
    def is_subscription(self) -> bool:
        """True if the operation has a result for each event."""
        return self.operation.operation is OperationType.SUBSCRIPTION

    @property
    def root(self) -> GraphQLObjectType:
        """The type that has the operation's root fields."""
        root = self.schema.get_root_type(self.operation.operation)
        assert root is not None
        return root

    @property
    def fragment_details(self) -> dict[str, FragmentDetails]:
        """The fragments in the form that the executor takes."""
        return {name: FragmentDetails(node) for name, node in self.fragments.items()}


async def parsed(schema: GraphQLSchema, query: str, operation_name: str | None) -> Parsed:
    """Return the operation that `operation_name` selects in a text; raise `NotCovered`."""
    await turns.take_for(query)
    try:
        document = await documents.parse(query, max_tokens=MOST_TOKENS)
        refuse_unclear(document, operation_name)
        refuse_too_large(document)
    except GraphQLError:
        raise NotCovered from None
    if await documents.validate(schema, document, RULES):
        raise NotCovered
    await turns.take_for(query)
    document = await documents.compact(document)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if operation_name is not None:
        operations = [each for each in operations if each.name and each.name.value == operation_name]
    if len(operations) != 1 or operations[0].directives:
        raise NotCovered
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    size = bytes_of_document(document) + getsizeof(query)
    return Parsed(schema, operations[0], fragments, _deciding(document), size)


def _deciding(document: DocumentNode) -> tuple[str, ...]:
    """Return the variables that decide what is selected; raise `NotCovered` for introspection."""
    names: set[str] = set()
    waiting: list[Any] = [*document.definitions]
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldNode) and node.name.value in ("__schema", "__type"):
            raise NotCovered
        for directive in node.directives or ():
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    names.add(argument.value.name.value)
        if selected := getattr(node, "selection_set", None):
            waiting += selected.selections
    return tuple(sorted(names))


class Selections:
    """The selected fields for some values of the deciding variables, collected once.

    The collected lists are kept, because compiled functions are found by their `id`.
    """

    def __init__(self, parsed: Parsed, variables: VariableValues) -> None:
        self._parsed = parsed
        self._variables = variables
        self._fragments = parsed.fragment_details
        self.collected: Collected = {}
        """The collected fields in the form that the executor takes."""

    def of_root(self) -> GroupedFieldSet:
        """Return the root fields."""
        parsed = self._parsed
        return collect_fields(
            parsed.schema, self._fragments, self._variables, parsed.root, parsed.operation
        ).grouped_field_set

    def __call__(self, kind: GraphQLObjectType, details: FieldDetailsList) -> GroupedFieldSet:
        """Return the fields that are selected on an object type."""
        key = (kind, id(details))
        if key not in self.collected:
            pause()
            found = collect_subfields(
                self._parsed.schema, self._fragments, self._variables, self._parsed.operation, kind, details
            )
            self.collected[key] = (details, found)
        return self.collected[key][1].grouped_field_set
