"""Rows are numbered in the order of their names, wherever new ones come."""

import sqlite3
from random import Random

import pytest

from app.read_models.product_listing import products
from app.stores.fts5.labels import insert_words, new_label
from app.stores.fts5.tables import Tables

TABLES = Tables(products)
ROWS = 600
LONGEST_NAME = "z" * 60


def names(way: str) -> list[str]:
    """The names of rows, in the order in which they come."""
    rising = [f"{number:04}" for number in range(ROWS)]
    match way:
        case "rising":
            return rising
        case "falling":
            return rising[::-1]
        case "between the same two":
            return ["0", LONGEST_NAME, *(f"m{name}" for name in rising)]
        case "always after the first":
            return ["0", LONGEST_NAME, *(f"m{name}" for name in reversed(rising))]
        case _:
            Random(1).shuffle(rising)
            return rising


@pytest.mark.parametrize(
    "way", ["rising", "falling", "between the same two", "always after the first", "in any order"]
)
@pytest.mark.parametrize("room", [2**62, 2**30])
def test_numbers_rise_with_the_names(way: str, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.stores.fts5.labels.HIGHEST", room)
    monkeypatch.setattr("app.stores.fts5.labels.STEP", room // 2**22)
    connection = sqlite3.connect(":memory:")
    for statement in TABLES.creation:
        connection.execute(statement)
    columns = len(TABLES.paths)
    for name in names(way):
        key = (f"s{name}", f"s{name}")
        label = new_label(connection, TABLES, key)
        row = (label, 1, *key, *[""] * (columns - 2))
        connection.execute(f"INSERT INTO {TABLES.rows} VALUES ({', '.join('?' * len(row))})", row)
        insert_words(connection, TABLES, label, [f"w{name}", "", ""])
    rows = connection.execute(f"SELECT n, sort_name FROM {TABLES.rows} ORDER BY n").fetchall()
    assert [name for _, name in rows] == sorted(f"s{name}" for name in names(way))
    assert rows[0][0] > 0
    for label, name in rows:
        found = connection.execute(
            f"SELECT rowid FROM {TABLES.words} WHERE {TABLES.words} MATCH ?", (f'words: "w{name[1:]}"',)
        ).fetchall()
        assert found == [(label,)]
    connection.close()
