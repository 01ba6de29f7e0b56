"""What an operation asks for at the most, and what it may ask for: reads, nodes, fields and commands."""

from dataclasses import dataclass

from graphql import GraphQLError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """So many commands, reads of the read store, documents that are read, and values, at the most.

    Values are those in the answer; an item of a list in an argument counts for five.
    """

    commands: int
    reads: int
    nodes: int
    fields: int

    @property
    def large(self) -> bool:
        """Return whether the operation is compiled at first sight, and gives way to others."""
        return self.fields > LARGE.fields or self.reads > LARGE.reads

    def shown(self) -> dict[str, int]:
        """Return the cost as `extensions.cost` of a response has it; only mutations have commands."""
        queried = {"reads": self.reads, "nodes": self.nodes, "fields": self.fields}
        return {"commands": self.commands, **queried} if self.commands else queried


LARGE = Cost(commands=0, reads=50, nodes=0, fields=1_000)
"""To compile more takes less time than to execute it with graphql-core, which blocks everybody meanwhile."""


def refuse_more(cost: Cost, budget: Cost) -> None:
    """Raise the error for an operation that exceeds its budget; it tells all the numbers."""
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
        f"This may take {' and '.join(beyond)}. One operation may take {' and '.join(allowed)}. Ask for "
        "smaller pages (first, last), fewer fields or fewer aliases, or send several operations.",
        extensions={"code": "LIMIT_EXCEEDED", "cost": asked, "budget": most},
    )
