"""What an operation costs as a function of its variables, counted before anything is executed.

The numbers are the most that an answer may have, with pages multiplied along their path. A formula is made
once from the text of an operation; it is evaluated in time that is proportional to the text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.cqrs.reading.pages import LONGEST_PAGE
from app.graphql.admission.cost import Cost, refuse_more
from app.graphql.admission.lists import items_in

Variables = Mapping[str, Any]

FIELDS_OF_AN_ITEM = 5
"""That an item of a list in an argument counts for: to convert it takes as long."""


class Amount(NamedTuple):
    """So many of each."""

    reads: float = 0
    nodes: float = 0
    fields: float = 0
    commands: float = 0

    def plus(self, other: "Amount", times: float = 1) -> "Amount":
        """Return the sum with so many of the other."""
        return Amount(
            self.reads + times * other.reads,
            self.nodes + times * other.nodes,
            self.fields + times * other.fields,
            self.commands + times * other.commands,
        )


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, and the value that it has where the client sends none."""

    name: str
    default: Any = None

    def value(self, variables: Variables) -> Any:
        """Return what the client sent, null included, or the default."""
        return variables.get(self.name, self.default)


Given = Variable | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many items a field may have: the first of several arguments that is given decides."""

    given: tuple[Given, ...] = ()
    default: float = 1

    def value(self, variables: Variables) -> float:
        """Return the number; an argument that will be refused counts as the longest page."""
        for each in self.given:
            found = each.value(variables) if isinstance(each, Variable) else each
            if found is not None:
                return _size_of(found)
        return self.default

    @property
    def depends(self) -> bool:
        """Return whether variables decide."""
        return any(isinstance(each, Variable) for each in self.given)


def _size_of(value: Any) -> float:
    if isinstance(value, list):
        return min(len(value), LONGEST_PAGE)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return max(0, min(int(value), LONGEST_PAGE))
    return 1 if isinstance(value, str) else LONGEST_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A `@skip` or `@include` that goes by a variable."""

    variable: Variable
    wanted: bool

    def holds(self, variables: Variables) -> bool:
        """Return whether the field is in the answer; it counts where its variable is no Boolean."""
        return self.variable.value(variables) is not (not self.wanted)


class Counted(NamedTuple):
    """What a selection costs: once, and for each node of the page that it is in."""

    once: Amount
    per_node: Amount


class Sent:
    """The variables of one request, and what was counted with them."""

    __slots__ = ("_items", "counted", "variables")

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self.counted: dict[int, Counted] = {}
        """By the identities of selection sets: a fragment is counted once, wherever it is spread."""
        self._items: dict[str, int] = {}

    def items(self, variable: Variable) -> int:
        """Return how many items the lists in a variable's value have together."""
        if (found := self._items.get(variable.name)) is None:
            found = self._items[variable.name] = items_in(variable.value(self.variables))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A selection set: what is known of its cost, and the parts that go by variables."""

    known: Counted
    parts: "tuple[Field | Spread, ...]" = ()

    def counted(self, sent: Sent) -> Counted:
        """Return the cost with these variables."""
        if not self.parts:
            return self.known
        if (found := sent.counted.get(id(self))) is None:
            once, per_node = self.known
            for part in self.parts:
                if all(each.holds(sent.variables) for each in part.conditions):
                    more = part.counted(sent)
                    once, per_node = once.plus(more.once), per_node.plus(more.per_node)
            found = sent.counted[id(self)] = Counted(once, per_node)
        return found


EMPTY = Selected(known=Counted(NOTHING, NOTHING))


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A selected field."""

    commands: int = 0
    reads: int = 0
    reads_each: bool = False
    """Whether each item is read on its own."""
    documents: bool = False
    """Whether each item is a document that is read."""
    size: Size = field(default_factory=Size)
    pages: bool = False
    """Whether it is a connection: of its selections only those of nodes and edges are multiplied."""
    of_page: bool = False
    """Whether it is the list of nodes or edges of a connection."""
    items: int = 0
    """Items of literal lists in its arguments."""
    with_lists: tuple[Variable, ...] = ()
    """Variables in its arguments whose values may have lists."""
    conditions: tuple[Condition, ...] = ()
    inner: Selected = EMPTY

    @property
    def depends(self) -> bool:
        """Return whether its cost goes by variables."""
        return bool(self.conditions or self.with_lists or self.inner.parts) or self.size.depends

    def counted(self, sent: Sent) -> Counted:
        """Return the cost, without regard to conditions."""
        size = self.size.value(sent.variables)
        items = self.items + sum([sent.items(each) for each in self.with_lists])
        own = Amount(
            reads=self.reads * (1 + size) if self.reads_each else self.reads,
            nodes=size if self.documents else 0,
            fields=1 + FIELDS_OF_AN_ITEM * items,
            commands=self.commands,
        )
        once, per_node = self.inner.counted(sent)
        own = own.plus(once).plus(per_node, size) if self.pages else own.plus(once, size)
        return Counted(NOTHING, own) if self.of_page else Counted(own, NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A fragment where it is spread."""

    conditions: tuple[Condition, ...] = ()
    inner: Selected

    @property
    def depends(self) -> bool:
        """Return whether its cost goes by variables."""
        return bool(self.conditions or self.inner.parts)

    def counted(self, sent: Sent) -> Counted:
        """Return the cost, without regard to conditions."""
        return self.inner.counted(sent)


_PLAIN = frozenset({int, bool, type(None)})
"""Of variables by which costs are remembered: numbers of nodes, and whether something is included."""

MOST_REMEMBERED = 64
"""Costs of one formula."""


class Formula:
    """What an operation costs, as a function of its variables."""

    def __init__(self, selected: Selected, budget: Cost, variables: Iterable[Variable]) -> None:
        """For everybody's budget; a viewer's own takes its place. The cost goes by these variables alone."""
        self.selected = selected
        self._budget = budget
        self._variables = tuple(variables)
        self._remembered: dict[tuple[Any, ...], Cost] = {}

    def cost(self, variables: Variables | None) -> Cost:
        """Return the cost; raise the refusal of what exceeds the budget."""
        sent = variables or {}
        key = tuple([each.value(sent) for each in self._variables])
        try:
            return self._remembered[key]
        except (KeyError, TypeError):  # the latter of lists
            pass
        once, _ = self.selected.counted(Sent(sent))
        cost = Cost(
            commands=round(once.commands),
            reads=round(once.reads),
            nodes=round(once.nodes),
            fields=round(once.fields),
        )
        refuse_more(cost, self._budget)
        if _PLAIN.issuperset(map(type, key)):
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = cost
        return cost
