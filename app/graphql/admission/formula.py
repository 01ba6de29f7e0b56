"""The cost of an operation as a function of its variables, evaluated before anything is executed.

The numbers are the highest that an answer may have: nested pages multiply. A formula is made once from an
operation's text, and is evaluated in time proportional to the text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.cqrs.reading.pages import LONGEST_PAGE
from app.graphql.admission.cost import Cost, refuse_more
from app.graphql.admission.lists import items_in

Variables = Mapping[str, Any]

FIELDS_OF_AN_ITEM = 5
"""Fields that an item of a list in an argument counts as, because its conversion takes as long."""


class Amount(NamedTuple):
    """An amount of each kind of cost."""

    reads: float = 0
    nodes: float = 0
    fields: float = 0
    commands: float = 0
    mutations: float = 0

    def plus(self, other: "Amount", times: float = 1) -> "Amount":
        """Return the sum of this amount and `times` the other."""
        return Amount(
            self.reads + times * other.reads,
            self.nodes + times * other.nodes,
            self.fields + times * other.fields,
            self.commands + times * other.commands,
            self.mutations + times * other.mutations,
        )


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable with its default value."""

    name: str
    default: Any = None

    def value(self, variables: Variables) -> Any:
        """Return the value that the client sent, which may be null, or the default."""
        return variables.get(self.name, self.default)


Given = Variable | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The number of items that a field may have; the first given one of several arguments decides."""

    given: tuple[Given, ...] = ()
    default: float = 1

    def value(self, variables: Variables) -> float:
        """Return the number of items; an invalid argument, refused later, counts as the longest page."""
        for each in self.given:
            found = each.value(variables) if isinstance(each, Variable) else each
            if found is not None:
                return _size_of(found)
        return self.default

    @property
    def depends(self) -> bool:
        """True if the number depends on variables."""
        return any(isinstance(each, Variable) for each in self.given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """The number of items of a list in an argument."""

    given: Given
    """The number, if the text has the list itself, or the variable in whose value it is."""
    path: tuple[str, ...] = ()
    """The path to the list in the value of the variable."""

    def value(self, variables: Variables) -> float:
        """Return the number of items; a value that is no list counts as one item, as GraphQL takes it."""
        if not isinstance(self.given, Variable):
            return self.given or 0
        found = self.given.value(variables)
        for step in self.path:
            found = found.get(step) if isinstance(found, dict) else None
        return len(found) if isinstance(found, list) else int(found is not None)

    @property
    def depends(self) -> bool:
        """True if the number depends on variables."""
        return isinstance(self.given, Variable)


def _size_of(value: Any) -> float:
    if isinstance(value, list):
        return min(len(value), LONGEST_PAGE)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return max(0, min(int(value), LONGEST_PAGE))
    return 1 if isinstance(value, str) else LONGEST_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A directive `@skip` or `@include` with a variable."""

    variable: Variable
    wanted: bool

    def holds(self, variables: Variables) -> bool:
        """Return whether the selection is in the answer; it counts as such if the variable is no Boolean."""
        return self.variable.value(variables) is not (not self.wanted)


class SelectionCost(NamedTuple):
    """The cost of a selection: once, and for each node of the page around it."""

    once: Amount
    per_node: Amount


class Evaluation:
    """An evaluation of a formula with the variables of one request."""

    __slots__ = ("_items", "counted", "variables")

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self.counted: dict[int, SelectionCost] = {}
        """The costs by the `id` of selection sets, so that a fragment is counted once for all its spreads."""
        self._items: dict[str, int] = {}

    def items(self, variable: Variable) -> int:
        """Return the number of items in all lists within a variable's value."""
        if (found := self._items.get(variable.name)) is None:
            found = self._items[variable.name] = items_in(variable.value(self.variables))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionFormula:
    """A selection set: the constant part of its cost, and the parts that depend on variables."""

    known: SelectionCost
    parts: "tuple[Field | Spread, ...]" = ()

    def counted(self, evaluation: Evaluation) -> SelectionCost:
        """Return the cost with these variables."""
        if not self.parts:
            return self.known
        if (found := evaluation.counted.get(id(self))) is None:
            once, per_node = self.known
            for part in self.parts:
                if all(each.holds(evaluation.variables) for each in part.conditions):
                    more = part.counted(evaluation)
                    once, per_node = once.plus(more.once), per_node.plus(more.per_node)
            found = evaluation.counted[id(self)] = SelectionCost(once, per_node)
        return found


EMPTY = SelectionFormula(known=SelectionCost(NOTHING, NOTHING))


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A selected field."""

    mutations: int = 0
    """1 for a field that sends a command, or a list of them."""
    commands: Size | Length = field(default_factory=lambda: Size(default=0))
    reads: int = 0
    reads_each: bool = False
    """True if each item takes a read of its own."""
    documents: bool = False
    """True if each item is a document that is read."""
    size: Size | Length = field(default_factory=Size)
    pages: bool = False
    """True if only some selections are multiplied: nodes and edges of a connection, outcomes of a list."""
    of_page: bool = False
    """True if the field is one of those: a list of nodes, edges or outcomes."""
    items: int = 0
    """The number of items in literal lists in the arguments."""
    with_lists: tuple[Variable, ...] = ()
    """The variables in the arguments whose values may contain lists."""
    conditions: tuple[Condition, ...] = ()
    inner: SelectionFormula = EMPTY

    @property
    def depends(self) -> bool:
        """Return whether its cost goes by variables."""
        conditional = bool(self.conditions or self.with_lists or self.inner.parts)
        return conditional or self.size.depends or self.commands.depends

    def counted(self, evaluation: Evaluation) -> SelectionCost:
        """Return the cost, without regard to conditions."""
        size = self.size.value(evaluation.variables)
        items = self.items + sum([evaluation.items(each) for each in self.with_lists])
        own = Amount(
            reads=self.reads * (1 + size) if self.reads_each else self.reads,
            nodes=size if self.documents else 0,
            fields=1 + FIELDS_OF_AN_ITEM * items,
            commands=self.commands.value(evaluation.variables),
            mutations=self.mutations,
        )
        once, per_node = self.inner.counted(evaluation)
        own = own.plus(once).plus(per_node, size) if self.pages else own.plus(once, size)
        return SelectionCost(NOTHING, own) if self.of_page else SelectionCost(own, NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A spread of a fragment."""

    conditions: tuple[Condition, ...] = ()
    inner: SelectionFormula

    @property
    def depends(self) -> bool:
        """Return whether its cost goes by variables."""
        return bool(self.conditions or self.inner.parts)

    def counted(self, evaluation: Evaluation) -> SelectionCost:
        """Return the cost, without regard to conditions."""
        return self.inner.counted(evaluation)


_PLAIN = frozenset({int, bool, type(None)})
"""The types of variables by which costs are cached: page sizes, and conditions of directives."""

MOST_CACHED = 64
"""Cached costs of one formula."""


class Formula:
    """The cost of an operation as a function of its variables."""

    def __init__(
        self,
        selected: SelectionFormula,
        budget: Cost,
        variables: Iterable[Variable],
        list_mutations: Sequence[str] = (),
    ) -> None:
        """Make the formula; `variables` are all variables on which the cost depends."""
        self.selected = selected
        self._budget = budget
        self._list_mutations = list_mutations
        self._variables = tuple(variables)
        self._cached: dict[tuple[Any, ...], Cost] = {}

    def cost(self, variables: Variables | None) -> Cost:
        """Return the cost with these variables; raise `GraphQLError` if it exceeds the budget."""
        sent = variables or {}
        key = tuple([each.value(sent) for each in self._variables])
        try:
            return self._cached[key]
        except (KeyError, TypeError):  # a TypeError if a variable is a list
            pass
        once, _ = self.selected.counted(Evaluation(sent))
        cost = Cost(
            commands=round(once.commands),
            reads=round(once.reads),
            nodes=round(once.nodes),
            fields=round(once.fields),
            mutations=round(once.mutations),
        )
        refuse_more(cost, self._budget, self._list_mutations)
        if _PLAIN.issuperset(map(type, key)):
            if len(self._cached) >= MOST_CACHED:
                self._cached.clear()
            self._cached[key] = cost
        return cost
