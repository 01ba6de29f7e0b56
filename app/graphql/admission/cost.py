"""The highest possible cost of an operation, and its budget, in reads, nodes, fields and commands."""

from dataclasses import dataclass

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

    @property
    def large(self) -> bool:
        """True if the operation is compiled at its first request, and yields to other tasks while it runs."""
        return self.fields > LARGE.fields or self.reads > LARGE.reads

    def shown(self) -> dict[str, int]:
        """Return the cost in the form of `extensions.cost`; only mutations have `commands`."""
        queried = {"reads": self.reads, "nodes": self.nodes, "fields": self.fields}
        return {"commands": self.commands, **queried} if self.commands else queried


LARGE = Cost(commands=0, reads=50, nodes=0, fields=1_000)
"""The cost above which an operation is compiled at its first request.

Compiling it takes less time than executing it with graphql-core, which blocks the event loop meanwhile.
"""


def refuse_more(cost: Cost, budget: Cost) -> None:
    """Raise `GraphQLError` with all the numbers if a cost exceeds the budget."""
    if (
        cost.fields <= budget.fields
        and cost.nodes <= budget.nodes
        and cost.reads <= budget.reads
        and cost.commands <= budget.commands
    ):
        return
    asked, most = cost.shown(), budget.shown()
    beyond = [f"{asked[each]:,} {each}" for each in asked if asked[each] > most.get(each, 0)]
    allowed = [f"{most.get(each, 0):,} {each}" for each in asked if asked[each] > most.get(each, 0)]
    raise GraphQLError(
        f"This operation may take {' and '.join(beyond)}. The limit is {' and '.join(allowed)}. Ask for "
        "smaller pages (first, last), fewer fields or fewer aliases, or send several operations.",
        extensions={"code": "LIMIT_EXCEEDED", "cost": asked, "budget": most},
    )
