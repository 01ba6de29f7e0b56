"""The specified validation rules, with errors that locate wrong literals."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from graphql import (
    SKIP,
    ArgumentNode,
    ASTValidationRule,
    GraphQLError,
    ListValueNode,
    ObjectValueNode,
    ValidationRule,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VisitorAction,
    specified_rules,
    validate_input_literal,
)
from graphql.pyutils import print_path_list


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
            message = f"{problem}{print_path_list(path)}: {error.message}"
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
