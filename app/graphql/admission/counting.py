"""The formula of an operation's cost, made from its text; each fragment is counted only once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_introspection_type,
    is_list_type,
    is_object_type,
    parse,
    type_from_ast,
    value_from_ast_untyped,
)
from graphql.type import SchemaMetaFieldDef, TypeMetaFieldDef, TypeNameMetaFieldDef
from strawberry.types.field import StrawberryField

from app.cqrs.reading.pages import PAGE
from app.graphql.admission.connections import commands_at, list_mutations, multiplied_fields
from app.graphql.admission.cost import DEFAULT_BUDGET, LISTS_BUDGET, QUERY_BUDGET, Cost
from app.graphql.admission.formula import (
    EMPTY,
    NOTHING,
    Condition,
    Evaluation,
    Field,
    Formula,
    Given,
    Length,
    SelectionCost,
    SelectionFormula,
    Size,
    Spread,
    Variable,
)
from app.graphql.admission.lists import MOST_ITEMS, literal_at, refuse_more
from app.graphql.admission.turns import pause

ASSUMED_ITEMS = 10
"""Assumed number of items of a list in a document, because its length is unknown before it is read."""

_META = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef, "__typename": TypeNameMetaFieldDef}


Fragments = Mapping[str, FragmentDefinitionNode]
"""Fragments by their names."""


def fragments_of(document: DocumentNode) -> Fragments:
    """Return the fragments that a document defines."""
    return {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }


def formula(schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode) -> Formula:
    """Return the formula of a valid operation; raise `GraphQLError` if a literal list is too long.

    It takes long for a large operation, and may run in slices.
    """
    counting = _Counting(schema, fragments, operation)
    root: Any = schema.get_root_type(operation.operation)
    selected = counting.selected(operation.selection_set, root)
    if operation.operation is not OperationType.QUERY:
        budget = LISTS_BUDGET if counting.sends_lists else DEFAULT_BUDGET
    elif counting.introspects:
        budget = introspection_budget(schema)
    else:
        budget = QUERY_BUDGET
    return Formula(selected, budget, counting.deciding.values(), list_mutations(schema))


@cache
def introspection_budget(schema: GraphQLSchema) -> Cost:
    """Return the budget of introspection: one full introspection query, plus a fifth."""
    document = parse(get_introspection_query(input_value_deprecation=True, specified_by_url=True))
    operation: Any = document.definitions[0]
    counting = _Counting(schema, fragments_of(document), operation)
    root: Any = schema.query_type
    whole = counting.selected(operation.selection_set, root).known.once.fields
    return replace(DEFAULT_BUDGET, commands=0, fields=max(round(1.2 * whole), DEFAULT_BUDGET.fields))


class _Counting:
    """A walk through the selections of an operation, which makes their formulas."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._counted: dict[str, SelectionFormula] = {}
        self._variables: dict[str, Variable] = {}
        self._with_lists: set[str] = set()
        self.deciding: dict[str, Variable] = {}
        """The variables on which the cost depends."""
        self.introspects = False
        self.sends_lists = False
        for definition in operation.variable_definitions or ():
            name, default = definition.variable.name.value, definition.default_value
            self._variables[name] = Variable(name, default and value_from_ast_untyped(default))
            kind: Any = type_from_ast(schema, definition.type)
            if is_list_type(get_nullable_type(kind)) or is_input_object_type(get_named_type(kind)):
                self._with_lists.add(name)
                if default:
                    self._items(default, f"The variable `${name}`", set())

    def selected(self, selection: SelectionSetNode | None, kind: Any) -> SelectionFormula:
        """Return the formula of a selection set on a type."""
        once, per_node, parts = NOTHING, NOTHING, list[Field | Spread]()
        for node in selection.selections if selection else ():
            conditions = self._conditions(node.directives or ())
            if conditions is None:
                continue
            part = (
                self._field(node, kind, conditions)
                if isinstance(node, FieldNode)
                else (Spread(conditions=conditions, inner=self._of_fragment(node, kind)))
            )
            if part.depends:
                parts.append(part)
            else:
                more = part.counted(Evaluation({}))
                once, per_node = once.plus(more.once), per_node.plus(more.per_node)
        return SelectionFormula(known=SelectionCost(once, per_node), parts=tuple(parts))

    def _of_fragment(self, node: Any, kind: Any) -> SelectionFormula:
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            return self.selected(
                node.selection_set, type_from_ast(self._schema, condition) if condition else kind
            )
        assert isinstance(node, FragmentSpreadNode)
        name = node.name.value
        if name not in self._counted:
            self._counted[name] = EMPTY
            fragment = self._fragments[name]
            self._counted[name] = self.selected(
                fragment.selection_set, type_from_ast(self._schema, fragment.type_condition)
            )
        return self._counted[name]

    def _field(self, node: FieldNode, kind: Any, conditions: tuple[Condition, ...]) -> Field:
        pause()
        name = node.name.value
        field: GraphQLField = _META.get(name) or kind.fields[name]
        arguments = {each.name.value: each for each in node.arguments or ()}
        items, sent = 0, set[str]()
        for argument in arguments.values():
            items += self._items(argument.value, f"The argument `{argument.name.value}`", sent)
        declared = field.extensions.get("strawberry-definition")
        reads = isinstance(declared, StrawberryField) and declared.is_async
        commands = reads and kind is self._schema.mutation_type
        at = commands_at(field)
        self.sends_lists |= at is not None
        shown = get_named_type(field.type)
        self.introspects |= is_introspection_type(shown) and name in ("__schema", "__type")
        of_page = name in multiplied_fields(kind)
        size: Size | Length = Size() if of_page else self._size(kind, name, field, arguments)
        sent_commands: Size | Length = Size(default=int(commands))
        if at:
            size = sent_commands = self._length(arguments.get(at[0]), at[1:])
        return Field(
            mutations=int(commands),
            commands=sent_commands,
            reads=int(reads and not commands),
            reads_each=is_list_type(get_nullable_type(field.type)) and "ids" in field.args,
            documents=reads and not commands and is_composite_type(shown),
            size=size,
            pages=bool(multiplied_fields(shown)),
            of_page=of_page,
            items=items,
            with_lists=tuple(self._decides(each) for each in sorted(sent)),
            conditions=conditions,
            inner=self.selected(node.selection_set, shown) if node.selection_set else EMPTY,
        )

    def _size(self, kind: Any, name: str, field: GraphQLField, arguments: dict[str, ArgumentNode]) -> Size:
        if is_introspection_type(kind):
            return Size(default=_introspected(self._schema).get(name, 1))
        if "first" in field.args or "last" in field.args:
            default = getattr(field.args.get("first"), "default_value", None)
            given = tuple(self._given(arguments.get(each)) for each in ("last", "first"))
            return Size(given=given, default=default if isinstance(default, int) else PAGE)
        if not is_list_type(get_nullable_type(field.type)) or not is_composite_type(
            get_named_type(field.type)
        ):
            return Size()
        lists = [each for each in field.args if _takes_a_list(field, each) and each != "atLeast"]
        return Size(given=tuple(self._given(arguments.get(each)) for each in lists), default=ASSUMED_ITEMS)

    def _given(self, argument: ArgumentNode | None) -> Given:
        match argument and argument.value:
            case None | NullValueNode():
                return None
            case VariableNode(name=name):
                return self._decides(name.value)
            case IntValueNode(value=digits):
                return int(digits)
            case ListValueNode(values=values):
                return len(values)
        return 1

    def _length(self, argument: ArgumentNode | None, path: tuple[str, ...]) -> Length:
        """Return the length of the list at a path in an argument."""
        value, path = literal_at(argument.value if argument else None, path)
        match value:
            case VariableNode(name=name):
                return Length(given=self._decides(name.value), path=path)
            case ListValueNode(values=values):
                return Length(given=len(values))
        return Length(given=int(value is not None))

    def _items(self, value: ValueNode, place: str, sent: set[str]) -> int:
        """Return the number of list items in a literal; add its variables that may hold lists to `sent`."""
        match value:
            case VariableNode(name=name) if name.value in self._with_lists:
                sent.add(name.value)
            case ListValueNode(values=values):
                refuse_more(place, len(values), MOST_ITEMS)
                return len(values) + sum([self._items(each, place, sent) for each in values])
            case ObjectValueNode(fields=fields):
                return sum([self._items(each.value, place, sent) for each in fields])
        return 0

    def _decides(self, name: str) -> Variable:
        variable = self.deciding[name] = self._variables[name]
        return variable

    def _conditions(self, directives: Iterable[DirectiveNode]) -> tuple[Condition, ...] | None:
        """Return the conditions that depend on variables; `None` if the selection is always left out."""
        conditions = []
        for directive in directives:
            wanted = directive.name.value == "include"
            if not wanted and directive.name.value != "skip":
                continue
            for argument in directive.arguments or ():
                match argument.value:
                    case BooleanValueNode(value=value) if value is not wanted:
                        return None
                    case VariableNode(name=name):
                        conditions.append(Condition(variable=self._decides(name.value), wanted=wanted))
        return tuple(conditions)


def _takes_a_list(field: GraphQLField, name: str) -> bool:
    return is_list_type(get_nullable_type(field.args[name].type))


@cache
def _introspected(schema: GraphQLSchema) -> dict[str, float]:
    """Return the average number of items of each list field in introspection, by field name."""
    kinds: list[Any] = list(schema.type_map.values())
    fields = [len(each.fields) for each in kinds if is_object_type(each) or is_interface_type(each)]
    inputs = [len(each.fields) for each in kinds if is_input_object_type(each)]
    values = [len(each.values) for each in kinds if is_enum_type(each)]
    possible = [len(schema.get_possible_types(each)) for each in kinds if is_abstract_type(each)]
    interfaces = [len(each.interfaces) for each in kinds if is_object_type(each)]
    averages = {
        "fields": fields,
        "inputFields": inputs,
        "enumValues": values,
        "possibleTypes": possible,
        "interfaces": interfaces,
    }
    return {
        "types": len(kinds),
        "directives": len(schema.directives),
        "args": 1,
        "ofType": 0.5,
        **{name: sum(numbers) / len(kinds) for name, numbers in averages.items()},
    }
