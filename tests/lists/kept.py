"""A list that is kept by its updates alone, as a client keeps it."""

from collections.abc import Mapping, Sequence
from typing import Any

ROW = """fragment Row on OrderSummary { id orderId status version customerName placedAt
    total { amount } }"""
CARD = """fragment Card on Product { id sku name category available unitsSold version stockVersion
    price { amount } }"""


def _follow(field: str, kind: str, row: str) -> str:
    return f"""subscription ($filter: {kind}Filter, $orderBy: {kind}Sort, $first: Int,
            $after: ConsistencyToken) {{
        {field}(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {{
            cursor hasNextPage lagged reset
            edges {{ cursor matches {{ field words }} node {{ ...{row.split()[1]} }} }}
            changes {{ kind nodeId index previousIndex
                edge {{ cursor matches {{ field words }} node {{ ...{row.split()[1]} }} }} }} }} }}
        {row}"""


def _read(field: str, kind: str, row: str) -> str:
    return f"""query ($filter: {kind}Filter, $orderBy: {kind}Sort, $first: Int,
            $atLeast: [ConsistencyToken!]) {{
        list: {field}(filter: $filter, orderBy: $orderBy, first: $first, atLeast: $atLeast) {{
            edges {{ cursor matches {{ field words }} node {{ ...{row.split()[1]} }} }}
            pageInfo {{ hasNextPage }} }} }}
        {row}"""


FOLLOW_ORDERS, READ_ORDERS = _follow("ordersUpdated", "Order", ROW), _read("orders", "Order", ROW)
FOLLOW_PRODUCTS, READ_PRODUCTS = (
    _follow("productsUpdated", "Product", CARD),
    _read("products", "Product", CARD),
)

Edge = Mapping[str, Any]


def applied(edges: Sequence[Edge], update: Mapping[str, Any]) -> list[Edge]:
    """Return the list after an update, as the schema says that it is made."""
    if update["edges"] is not None:
        return list(update["edges"])
    gone = {each["nodeId"] for each in update["changes"] if each["kind"] in ("LEFT", "MOVED")}
    kept = [edge for edge in edges if edge["node"]["id"] not in gone]
    for change in update["changes"]:
        if change["kind"] == "CHANGED":
            kept[change["index"]] = change["edge"]
        elif change["kind"] != "LEFT":
            kept.insert(change["index"], change["edge"])
    return kept


class Kept:
    """A list that is kept by its updates alone; it refuses updates that contradict what it has."""

    def __init__(self) -> None:
        self.edges: list[Edge] = []
        self.has_next = False
        self.cursor: str | None = None
        self.states: int = 0
        """The states that were received or skipped."""
        self.pages = 0
        """The updates that had the whole list."""
        self.kinds: list[str] = []

    def take(self, update: Mapping[str, Any]) -> None:
        """Take over an update."""
        before = [edge["node"]["id"] for edge in self.edges]
        self.edges = applied(self.edges, update)
        after = [edge["node"]["id"] for edge in self.edges]
        assert len(set(after)) == len(after), update
        if update["edges"] is None:
            assert self.cursor is not None, "a list begins as a whole"
            assert update["changes"] or update["hasNextPage"] != self.has_next, "no update is empty"
            for change in update["changes"]:
                self._check(change, before, after)
        else:
            self.pages += 1
            assert update["changes"] == []
        self.kinds += [change["kind"] for change in update["changes"]]
        self.has_next, self.cursor = update["hasNextPage"], update["cursor"]
        self.states += 1 + update["lagged"]

    def _check(self, change: Mapping[str, Any], before: list[str], after: list[str]) -> None:
        id, index, previous = change["nodeId"], change["index"], change["previousIndex"]
        assert (previous is None) == (change["kind"] == "ENTERED")
        assert (index is None) == (change["edge"] is None) == (change["kind"] == "LEFT")
        assert previous is None or before[previous] == id
        assert index is None or after[index] == id == change["edge"]["node"]["id"]

    def equals(self, connection: Mapping[str, Any]) -> bool:
        """Return whether a fresh query shows the same."""
        has_next: bool = connection["pageInfo"]["hasNextPage"]
        return self.edges == connection["edges"] and self.has_next == has_next
