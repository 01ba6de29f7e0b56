"""Statements that SQLite executes directly do what they do through SQLAlchemy."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    bindparam,
    create_engine,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from app.stores.sql.engines.opening import UtcDateTime
from app.stores.sql.engines.sqlite_statements import Prepared, names_in, prepared

parcels = Table(
    "parcels",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("sent_at", UtcDateTime),
    Column("label", LargeBinary),
    Column("weight", Integer),
    Column("to", String, unique=True),
)
INSERT = parcels.insert()
ALL = select(parcels).order_by(parcels.c.weight)
HEAVY = ALL.where(parcels.c.weight > bindparam("least"), parcels.c.to != "nobody")
MOVE = parcels.update().where(parcels.c.id == bindparam("key"))


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    parcels.metadata.create_all(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def a_parcel(weight: int, **more: Any) -> dict[str, Any]:
    sent = datetime(2026, 1, weight, 12, 30, 1, 2, tzinfo=UTC)
    return {"id": uuid4(), "sent_at": sent, "label": b"\0\xff", "weight": weight, "to": f"{weight}", **more}


def ready(connection: Connection, statement: Any, values: Any) -> Prepared:
    found = prepared(statement, names_in(values), connection.dialect)
    assert found
    return found


def directly(connection: Connection, statement: Any, values: Any = None) -> list[Any]:
    file = connection.connection.driver_connection
    assert isinstance(file, sqlite3.Connection)
    values = values or {}
    return [*ready(connection, statement, values).execute(file, values)]


def test_the_same_is_written_and_read_as_through_sqlalchemy(connection: Connection) -> None:
    one, two, three = a_parcel(1), a_parcel(2, sent_at=None, label=None), a_parcel(3, to="nobody")
    directly(connection, INSERT, one)
    directly(connection, INSERT, [two, three])
    for statement, values in ((ALL, {}), (HEAVY, {"least": 1})):
        through = connection.execute(statement, values).all()
        found = directly(connection, statement, values)
        assert found == through
        assert [row._asdict() for row in found] == [row._asdict() for row in through]
    assert [row.to for row in found] == ["2"]
    assert type(directly(connection, ALL)[0].id) is UUID
    directly(connection, MOVE, [{"key": each["id"], "to": f"moved {each['to']}"} for each in (one, two)])
    directly(connection, MOVE, {"key": three["id"], "weight": 5})  # the same statement, for other columns
    moved = [(row.weight, row.to) for row in connection.execute(ALL)]
    assert moved == [(1, "moved 1"), (2, "moved 2"), (5, "nobody")]


def test_a_broken_constraint_is_an_error_of_the_database_with_its_cause(connection: Connection) -> None:
    directly(connection, INSERT, a_parcel(1, to="Ada"))
    with pytest.raises(DBAPIError) as failure:
        directly(connection, INSERT, [a_parcel(2), a_parcel(3, to="Ada")])
    assert getattr(failure.value.orig, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_UNIQUE"
    assert "Ada" not in str(failure.value)


def test_a_missing_value_is_not_taken_for_null(connection: Connection) -> None:
    with pytest.raises(KeyError):
        directly(connection, HEAVY)


@pytest.mark.parametrize(
    "statement",
    [
        text("SELECT 1"),
        select(parcels).where(parcels.c.weight.in_([1, 2])),
        Table("made", MetaData(), Column("at", Integer, default=lambda: 1)).insert(),
    ],
)
def test_what_sqlalchemy_has_to_complete_at_each_execution_is_left_to_it(
    connection: Connection, statement: Any
) -> None:
    assert prepared(statement, (), connection.dialect) is None
