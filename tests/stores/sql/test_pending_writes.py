"""Writes of several commands become few statements, in an order in which all of them are possible."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, bindparam

from app.stores.sql.engines.opening import Rows
from app.stores.sql.pending_writes import PendingWrites, Statement, Write, key_of

METADATA = MetaData()
POTS = Table("pots", METADATA, Column("id", Integer, primary_key=True), Column("size", Integer))
LIDS = Table(
    "lids",
    METADATA,
    Column("pot", ForeignKey(POTS.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),
)
STATEMENTS: dict[str, Statement] = {
    "pot": POTS.insert(),
    "lid": LIDS.insert(),
    "resize": POTS.update().where(POTS.c.id == bindparam("key")),
    "break": POTS.delete().where(POTS.c.id == bindparam("key")),
    "lose": LIDS.delete().where(LIDS.c.pot == bindparam("key")),
}


class Sent:
    """Rows that note the statements with the numbers of their rows."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    async def execute(self, statement: object, values: Any) -> None:
        name = next(name for name, each in STATEMENTS.items() if each is statement)
        rows: Sequence[Mapping[str, int]] = values if isinstance(values, list) else [values]
        self.statements.append(" ".join([name, *(str(next(iter(row.values()))) for row in rows)]))


def write(name: str, id: int, **more: int) -> Write:
    key = {"pot": "id", "lid": "pot"}.get(name, "key")
    return Write(STATEMENTS[name], [{key: id, **more}])


@pytest.mark.parametrize(
    ("writes", "sent"),
    [
        ("pot 1, lid 1, pot 2, lid 2", "pot 1 2, lid 1 2"),
        ("lid 1, pot 2, lid 2", "lid 1, pot 2, lid 2"),
        ("pot 1, resize 1, pot 2, resize 2", "pot 1, resize 1, pot 2, resize 2"),
        ("resize 1, lid 1, resize 2", "resize 1 2, lid 1"),
        ("lose 1, break 1, lose 2, break 2", "lose 1, break 1, lose 2, break 2"),
        ("break 1, break 2", "break 1 2"),
    ],
)
async def test_equal_statements_are_joined_unless_another_needs_to_be_between(writes: str, sent: str) -> None:
    pending, rows = PendingWrites(), Sent()
    for each in writes.split(", "):
        name, id = each.split()
        pending.add(write(name, int(id)))
    await pending.send(cast("Rows", rows))
    assert rows.statements == sent.split(", ")
    await pending.send(cast("Rows", rows))
    assert rows.statements == sent.split(", ")


async def test_rows_with_other_parameters_are_not_joined() -> None:
    pending, rows = PendingWrites(), Sent()
    pending.add(write("pot", 1))
    pending.add(write("pot", 2, size=3))
    await pending.send(cast("Rows", rows))
    assert rows.statements == ["pot 1", "pot 2"]


def test_it_is_known_which_tables_are_written() -> None:
    pending = PendingWrites([write("pot", 1)])
    assert pending.concern({POTS})
    assert pending.concern(None)
    assert not pending.concern({LIDS})
    assert not PendingWrites().concern(None)


def test_the_key_of_a_row_is_a_parameter_or_its_column_if_there_is_one() -> None:
    assert key_of(POTS, {"key": 1, "id": 2}) == 1
    assert key_of(POTS, {"id": 2}) == 2
    assert key_of(POTS, {"size": 2}) is None
    assert key_of(LIDS, {"pot": 1, "number": 2}) is None
