"""The Northwind data set: its CSV files, and the sums over them."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

CENT = Decimal("0.01")
Row = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Books:
    """The rows of the CSV files, in which `NULL` is read as an empty text."""

    products: Sequence[Row]
    categories: dict[str, str]
    customers: Sequence[Row]
    orders: Sequence[Row]
    lines: dict[str, list[Row]]

    @classmethod
    def read(cls, folder: Path) -> "Books":
        """Read the CSV files, and sort the orders by date.

        Raise `OSError`, `KeyError` or `ValueError` if a file, a column or all orders are missing.
        """

        def rows(name: str) -> list[Row]:
            with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                return [
                    {key: "" if value == "NULL" else value for key, value in row.items()}
                    for row in csv.DictReader(file)
                ]

        lines: defaultdict[str, list[Row]] = defaultdict(list)
        for line in rows("order-details"):
            lines[line["orderID"]].append(line)
        orders = sorted(rows("orders"), key=lambda row: (row["orderDate"], int(row["orderID"])))
        if not orders:
            raise ValueError(f"there is no order in {folder / 'orders.csv'}")
        return cls(
            products=rows("products"),
            categories={row["categoryID"]: row["categoryName"] for row in rows("categories")},
            customers=rows("customers"),
            orders=orders,
            lines=lines,
        )

    @property
    def span(self) -> tuple[date, date]:
        """The days of the first and the last order."""
        first, last = (date.fromisoformat(self.orders[end]["orderDate"][:10]) for end in (0, -1))
        return first, last

    @cached_property
    def units(self) -> Counter[str]:
        """The ordered units by product."""
        units: Counter[str] = Counter()
        for lines in self.lines.values():
            for line in lines:
                units[line["productID"]] += int(line["quantity"])
        return units

    def revenue(self, orders: Iterable[Row]) -> Decimal:
        """Return the sum of the lines of these orders, each rounded half-even to cents."""
        lines = (line for order in orders for line in self.lines[order["orderID"]])
        return sum((_line_total(line) for line in lines), Decimal(0))

    def expected(self) -> dict[str, Any]:
        """Return the figures that the read models must have."""
        days: defaultdict[str, list[Row]] = defaultdict(list)
        for order in self.orders:
            days[order["orderDate"][:10]].append(order)
        shipped = sum(1 for order in self.orders if order["shippedDate"])
        fees = sum((Decimal(order["freight"]) for order in self.orders), Decimal(0))
        sums = {
            "orders": len(self.orders),
            "shipped": shipped,
            "units": self.units.total(),
            "revenue": self.revenue(self.orders),
            "shipping fees": fees,
        }
        return {
            "products": len(self.products),
            "customers": len(self.customers),
            **sums,
            **{f"{name}, by day": value for name, value in sums.items()},
            "revenue of each day": {day: self.revenue(orders) for day, orders in days.items()},
        }


def _line_total(line: Row) -> Decimal:
    share = 1 - Decimal(line["discount"])
    total = Decimal(line["unitPrice"]) * int(line["quantity"]) * share
    return total.quantize(CENT, rounding=ROUND_HALF_EVEN)
