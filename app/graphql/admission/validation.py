"""Validation: the specified rules, with errors that locate wrong literals, and pauses for large texts."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from graphql import (
    SKIP,
    ArgumentNode,
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    ParallelVisitor,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    ValidationRule,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    VisitorAction,
    specified_rules,
    validate,
    validate_input_literal,
    visit,
)
from graphql.pyutils import print_path_list
from graphql.validation.rules.overlapping_fields_can_be_merged import RuleContext
from graphql.validation.validation_context import VariableUsage
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.graphql.admission.turns import in_slices, pause

MOST_ERRORS = 50
"""Errors after which validation ends. Finding names that are similar to an unknown one takes up to 0.4 ms,
and no step may hold the event loop for more than 50."""

Rules = tuple[type[ASTValidationRule], ...]


class ValuesOfCorrectType(ValidationRule):
    """The rule for literals, whose errors name the argument or variable and have a location.

    The specified rule gives neither for a literal of a custom scalar, whose parser sees only the value.
    """

    def enter_argument(self, node: ArgumentNode, *_place: Any) -> VisitorAction:
        """Check the argument's value and everything within it."""
        self._check(node.value, f"Argument '{node.name.value}' has invalid value")
        return SKIP

    def enter_variable_definition(self, node: VariableDefinitionNode, *_place: Any) -> VisitorAction:
        """Check the variable's default value."""
        if node.default_value is not None:
            self._check(
                node.default_value, f"Variable '${node.variable.name.value}' has invalid default value"
            )
        return SKIP

    def _check(self, value: ValueNode, problem: str) -> None:
        kind = self.context.get_input_type()
        if kind is None:  # Another rule reports that there is no such argument or type.
            return

        def report(error: GraphQLError, path: list[str | int]) -> None:
            told = error.message
            if told.endswith("not to be None."):  # A client writes null.
                told = f"{told.removesuffix('None.')}null."
            message = f"{problem}{print_path_list(path)}: {told}"
            nodes = error.nodes or [_value_at(value, path)]
            self.report_error(GraphQLError(message, nodes, original_error=error.original_error))

        validate_input_literal(value, kind, report, hide_suggestions=self.context.hide_suggestions)


@cache
def with_located_literals(rules: tuple[type[ASTValidationRule], ...]) -> tuple[type[ASTValidationRule], ...]:
    """Return the rules, with `ValuesOfCorrectType` instead of the specified one."""
    return tuple(ValuesOfCorrectType if rule is ValuesOfCorrectTypeRule else rule for rule in rules)


RULES = with_located_literals(tuple(specified_rules))


def _value_at(node: ValueNode, path: Sequence[str | int]) -> ValueNode:
    for step in path:
        match node:
            case ListValueNode() if isinstance(step, int):
                node = node.values[step]
            case ObjectValueNode():
                node = next(field.value for field in node.fields if field.name.value == step)
    return node


def errors_of(schema: GraphQLSchema, document: DocumentNode, rules: Rules) -> list[GraphQLError]:
    """Return the errors of a document by these rules and by strawberry's own, up to `MOST_ERRORS`."""
    return _Validation(rules).errors_of(schema, document)


async def errors_in_slices(schema: GraphQLSchema, document: DocumentNode, rules: Rules) -> list[GraphQLError]:
    """Return the same errors of a large document; yield to other tasks meanwhile."""
    validation = _Validation((_Pausing, *rules))
    return await in_slices(partial(validation.errors_of, schema, document))


_STRAWBERRYS = (MaybeNullValidationRule, OneOfInputValidationRule)


class _Validation:
    """The visitors of one validation, which can pause, and of which no garbage is left.

    graphql-core's visitors refer to themselves, to their context and to the document. Without an end they
    would all stay in memory until a garbage collection, which would take long then.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = (*rules, *_STRAWBERRYS)
        self._referring: list[object] = []

    def errors_of(self, schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
        """Return the document's errors, once."""
        together: Any = [self._together]
        try:
            return validate(schema, document, together, max_errors=MOST_ERRORS)
        finally:
            for each in self._referring:
                vars(each).clear()
            self._referring.clear()

    def _together(self, context: ValidationContext) -> ASTValidationRule:
        """Make the visitor of all rules."""
        mentioned: Any = _Mentioned(context)
        # graphql-core finds these by a hash of the whole definition, which takes up to 3 ms, and which it
        # computes ten times, in one step.
        replaced: Any = context
        replaced.get_variable_usages = mentioned.variables
        replaced.get_recursive_variable_usages = mentioned.variables_of_operation
        replaced.get_fragment_spreads = mentioned.spreads
        visitors = [rule(context) for rule in self._rules]
        for each in visitors:
            if isinstance(each, OverlappingFieldsCanBeMergedRule):
                each.rule_context = _PausingRuleContext()
        parallel = ParallelVisitor(visitors)
        types = [each for each in vars(context).values() if isinstance(each, TypeInfo)]
        together = _Together(context, parallel)
        self._referring += [*visitors, parallel, together, context, *types]
        return together


class _Together(ASTValidationRule):
    """A rule that is many rules.

    `validate` puts the visitors of its rules together, too, and leaves garbage for each of them: functions
    that refer to all of them and to themselves.
    """

    def __init__(self, context: ValidationContext, parallel: ParallelVisitor) -> None:
        super().__init__(context)
        self._parallel = parallel

    def enter(self, node: Node, *place: Any) -> VisitorAction:
        """Have each rule enter the node."""
        enter = self._parallel.get_enter_leave_for_kind(node.kind).enter
        action: VisitorAction = enter(node, *place) if enter else None
        return action

    def leave(self, node: Node, *place: Any) -> VisitorAction:
        """Have each rule leave the node."""
        leave = self._parallel.get_enter_leave_for_kind(node.kind).leave
        action: VisitorAction = leave(node, *place) if leave else None
        return action


class _Pausing(ASTValidationRule):
    """A rule that everything conforms to, with a pause at each node if the others have taken long enough."""

    def enter(self, *_node: Any) -> None:
        pause()


class _PausingRuleContext(RuleContext):
    """The state of the rule that compares fields which may overlap; it pauses as it counts comparisons."""

    __slots__ = ("_remaining",)

    @property
    def remaining_complexity_budget(self) -> int:
        """The number of comparisons after which validation is aborted."""
        return self._remaining

    @remaining_complexity_budget.setter
    def remaining_complexity_budget(self, remaining: int) -> None:
        self._remaining = remaining
        pause()


class _Mentioned:
    """The variables and fragments that the definitions of a document mention, found once for each of them."""

    def __init__(self, context: ValidationContext) -> None:
        self._schema, self._spend = context.schema, context.spend_fragment_work
        self._fragments = context.get_recursively_referenced_fragments
        self._variables: dict[int, list[VariableUsage]] = {}
        self._variables_of_operations: dict[int, list[VariableUsage]] = {}
        self._spreads: dict[int, list[FragmentSpreadNode]] = {}

    def variables(self, definition: OperationDefinitionNode | FragmentDefinitionNode) -> list[VariableUsage]:
        """Return the variables that an operation or a fragment mentions itself."""
        found = self._variables.get(id(definition))
        if found is None:
            found = self._variables[id(definition)] = []
            types = TypeInfo(self._schema)
            visitor = _Variables(types, found)
            with_types = TypeInfoVisitor(types, visitor)
            visit(definition, with_types)
            for each in (visitor, with_types, types):  # which refer to themselves
                vars(each).clear()
        return found

    def variables_of_operation(self, operation: OperationDefinitionNode) -> list[VariableUsage]:
        """Return the variables that an operation and its fragments mention."""
        found = self._variables_of_operations.get(id(operation))
        if found is None:
            found = [*self.variables(operation)]
            for fragment in self._fragments(operation):
                pause()
                in_fragment = self.variables(fragment)
                self._spend(1 + len(in_fragment))
                found += in_fragment
            self._variables_of_operations[id(operation)] = found
        return found

    def spreads(self, selected: SelectionSetNode) -> list[FragmentSpreadNode]:
        """Return the spreads in a selection set, and in the selection sets within it."""
        found = self._spreads.get(id(selected))
        if found is None:
            found = self._spreads[id(selected)] = []
            waiting = [selected]
            while waiting:
                pause()
                for each in waiting.pop().selections:
                    if isinstance(each, FragmentSpreadNode):
                        found.append(each)
                    elif within := getattr(each, "selection_set", None):
                        waiting.append(within)
        return found


class _Variables(Visitor):
    """A visitor that lists the variables in the selections of a definition; it pauses at each node."""

    def __init__(self, types: TypeInfo, found: list[VariableUsage]) -> None:
        super().__init__()
        self._types, self._found = types, found

    def enter(self, *_node: Any) -> None:
        pause()

    def enter_variable_definition(self, *_node: Any) -> VisitorAction:
        return SKIP

    def enter_variable(self, node: VariableNode, *_place: Any) -> None:
        types = self._types
        self._found.append(
            VariableUsage(
                node, types.get_input_type(), types.get_parent_input_type(), types.get_default_value(), None
            )
        )
