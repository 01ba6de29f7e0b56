"""What two customers ask in the same words, with ids, cursors and tokens of either of them."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.viewing.roles import CUSTOMERS, Books

MOST_KNOWN = 30
"""Ids, cursors and tokens that are known of each customer; newer ones replace others. With so few of them,
both customers often ask the same before a change drops the kept answer."""

OFTEN = {"customer": 1, "customers": 1, "nodes": 2, "order": 4, "node": 4, "orders": 4}
"""How often each is asked. What customers tell of themselves changes most, so its answers are kept least."""

ORDER = "id units status customer { name company customerId } timeline { status actor } shipTo { street }"
ROW = "id orderId customerName customerId units"
PERSON = "id name company email phone address { street } orderCount lastOrder { orderId }"
NODE = (
    f"__typename id ... on Order {{ {ORDER} }} ... on OrderSummary {{ {ROW} }} ... on Customer {{ {PERSON} }}"
)

TEXTS = {
    "customer": f"""query ($id: ID!) {{ customer(id: $id) {{ {PERSON}
        orders(first: 3) {{ totalCount nodes {{ {ORDER} }} }} }} }}""",
    "order": f"query ($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}",
    "node": f"query ($id: ID!) {{ node(id: $id) {{ {NODE} }} }}",
    "nodes": f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {NODE} }} }}",
    "orders": f"""query ($first: Int, $after: String, $filter: OrderFilter) {{
        orders(first: $first, after: $after, filter: $filter) {{
            totalCount totals {{ orders units }} edges {{ cursor node {{ {ROW} }} }} }} }}""",
    "customers": f"""query ($filter: CustomerFilter) {{ customers(filter: $filter) {{
        totalCount edges {{ cursor node {{ {PERSON} }} }} }} }}""",
}
"""Each shows whose documents it has found, by names and ids."""


@dataclass(frozen=True)
class Question:
    """Something that either customer may ask; the one who asks has no part in it."""

    kind: str
    body: bytes
    token: str
    """A consistency token that one of them was given; empty for none."""


class Known:
    """Ids, cursors and tokens of each customer, for anybody to try."""

    def __init__(self, books: Books, chance: Random) -> None:
        self._books = books
        self._chance = chance
        self.orders = {name: [*own.orders] for name, own in books.of.items()}
        self.cursors = {name: [*own.cursors] for name, own in books.of.items()}
        self.tokens = {name: [*own.tokens] for name, own in books.of.items()}

    def learn(self, things: list[str], thing: str) -> None:
        """Remember one more of these things."""
        if len(things) < MOST_KNOWN:
            things.append(thing)
        else:
            things[self._chance.randrange(MOST_KNOWN)] = thing

    def question(self) -> Question:
        """Return the next question."""
        chance = self._chance
        [kind] = chance.choices([*OFTEN], [*OFTEN.values()])
        whose = chance.choice(CUSTOMERS)
        token = chance.choice(self.tokens[whose]) if chance.random() < 0.2 else ""
        sent = {"query": TEXTS[kind], "variables": self._variables(kind, whose)}
        return Question(kind, json.dumps(sent).encode(), token)

    def _variables(self, kind: str, whose: str) -> dict[str, Any]:
        chance, own = self._chance, self._books.of[whose]
        match kind:
            case "customer":
                return {"id": own.customer}
            case "order":
                return {"id": chance.choice(self.orders[whose])}
            case "node":
                return {"id": chance.choice([*own.ids, *self.orders[whose]])}
            case "nodes":
                return {"ids": [id for each in self._books.of.values() for id in chance.sample(each.ids, 3)]}
            case "orders":
                filters = [None, {"customerId": own.customer}, {"status": ["PLACED"]}]
                after = chance.choice(self.cursors[whose]) if chance.random() < 0.5 else None
                return {"first": chance.choice((1, 2, 10)), "after": after, "filter": chance.choice(filters)}
        return {"filter": chance.choice([None, {"search": own.words[0]}, {"search": "mark"}])}
