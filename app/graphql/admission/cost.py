"""The highest possible cost of an operation, and its budget, in reads, nodes, fields and commands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from graphql import GraphQLError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The highest possible numbers of commands, reads of the store, documents (nodes) and values (fields).

    Values are those in the answer. Each item of a list in an argument counts as five of them.
    """

    commands: int
    reads: int
    nodes: int
    fields: int
    mutations: int = 0
    """The number of root fields that send commands: most send one, and `sendCommands` sends many."""

    @property
    def large(self) -> bool:
        """True if the operation is compiled at its first request, and yields to other tasks while it runs."""
        return self.fields > LARGE.fields or self.reads > LARGE.reads

    @property
    def points(self) -> int:
        """The same as one number: 1 for a document, 10 for a read, 1 for 20 values; at least 1."""
        return points_of(self.reads, self.nodes, self.fields)

    def points_taken(self, reads: int, nodes: int) -> int:
        """Return the points of the execution that took so many reads and documents; at most `points`.

        Values are not counted while they are written, and are taken to be in proportion to the documents.
        """
        share = min(1.0, nodes / self.nodes) if self.nodes else 1.0
        return points_of(min(reads, self.reads), min(nodes, self.nodes), round(self.fields * share))

    def shown(self) -> dict[str, int]:
        """Return the cost in the form of `extensions.cost`; only mutations have `commands`."""
        queried = {"reads": self.reads, "nodes": self.nodes, "fields": self.fields}
        return {"commands": self.commands, **queried} if self.commands else queried


def points_of(reads: int, nodes: int, fields: int) -> int:
    """Return the points of so many reads, documents and values; a point takes about 20 microseconds."""
    return max(1, 10 * reads + nodes + fields // 20)


LARGE = Cost(commands=0, reads=50, nodes=0, fields=1_000)
"""The cost above which an operation is compiled at its first request.

Compiling it takes less time than executing it with graphql-core, which blocks the event loop meanwhile.
"""


QUERY_BUDGET = Cost(commands=0, reads=500, nodes=5_000, fields=100_000)
"""The budget of queries, which are compiled: a value takes about 0.2 microseconds."""

DEFAULT_BUDGET = Cost(commands=20, reads=100, nodes=1_000, fields=10_000, mutations=20)
"""The budget of mutations and subscriptions. For graphql-core a value takes about 5 microseconds.

Commands take turns in the write store, and those of one operation run one after the other.
"""

MOST_COMMANDS = 500
"""Commands in the lists of one mutation."""

LISTS_BUDGET = replace(QUERY_BUDGET, commands=MOST_COMMANDS, mutations=DEFAULT_BUDGET.mutations)
"""The budget of mutations that send lists of commands: they are large, and are compiled as queries are."""


def refuse_more(cost: Cost, budget: Cost, list_mutations: Sequence[str] = ()) -> None:
    """Raise `GraphQLError` with all the numbers if a cost exceeds the budget.

    The error names the mutations that send many commands at once, if that would help.
    """
    if (
        cost.fields <= budget.fields
        and cost.nodes <= budget.nodes
        and cost.reads <= budget.reads
        and cost.commands <= budget.commands
        and cost.mutations <= budget.mutations
    ):
        return
    asked, most = cost.shown(), budget.shown()
    if cost.mutations > budget.mutations:
        asked, most = {"mutations": cost.mutations, **asked}, {"mutations": budget.mutations, **most}
    beyond = [f"{asked[each]:,} {each}" for each in asked if asked[each] > most.get(each, 0)]
    allowed = [f"{most.get(each, 0):,} {each}" for each in asked if asked[each] > most.get(each, 0)]
    advice = list[str]()
    if cost.commands > budget.commands or cost.mutations > budget.mutations:
        advice.append("Send fewer commands in one request.")
        if list_mutations and cost.mutations > budget.mutations:
            advice.append(f"{' or '.join(list_mutations)} takes up to {MOST_COMMANDS:,} in a list.")
    if cost.reads > budget.reads or cost.nodes > budget.nodes or cost.fields > budget.fields:
        advice.append(
            "Ask for smaller pages (first, last), fewer fields or fewer aliases, or send several operations."
        )
    raise GraphQLError(
        f"This operation may take {' and '.join(beyond)}. The limit is {' and '.join(allowed)}. "
        f"{' '.join(advice)}",
        extensions={"code": "LIMIT_EXCEEDED", "cost": asked, "budget": most},
    )
