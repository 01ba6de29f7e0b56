"""Numbers of rows in the order of a key, with room between them for new rows.

FTS5 returns rows in the order of their numbers: the first rows of a page are found without sorting all.
"""

from sqlite3 import Connection

from app.stores.fts5.tables import KEY, WORDS, Tables

HIGHEST = 2**62
STEP = 2**40
"""The distance of a row that is added at the end."""
DENSEST = 4 / 3
"""A range twice as large may hold so many times as many rows before a larger one is renumbered."""


def new_label(connection: Connection, tables: Tables, key: tuple[str, str]) -> int:
    """Return a number for a new row with this key, between those before and after it."""
    while True:
        low = _neighbour(connection, tables, "<", key) or 0
        high = _neighbour(connection, tables, ">", key) or min(low + 2 * STEP, HIGHEST)
        if high - low > 1:
            return (low + high) // 2
        _make_room(connection, tables, low)


def _neighbour(connection: Connection, tables: Tables, operator: str, key: tuple[str, str]) -> int | None:
    direction = "ASC" if operator == ">" else "DESC"
    first, then = KEY
    row = connection.execute(
        f'SELECT n FROM {tables.rows} WHERE ("{first}", "{then}") {operator} (?, ?) '
        f'ORDER BY "{first}" {direction}, "{then}" {direction} LIMIT 1',
        key,
    ).fetchone()
    return row[0] if row else None


def _make_room(connection: Connection, tables: Tables, around: int) -> None:
    """Renumber the rows of the smallest range around a number that has room enough."""
    for bits in range(2, 63):
        size = 2**bits
        low = around // size * size
        within = (low, low + size - 1)
        found = connection.execute(
            f"SELECT n FROM {tables.rows} WHERE n BETWEEN ? AND ? ORDER BY n", within
        ).fetchall()
        if len(found) + 1 <= DENSEST**bits:
            break
    step = size // (len(found) + 1)
    texts = {
        label: row
        for label, *row in connection.execute(
            f"SELECT rowid, {', '.join(WORDS)} FROM {tables.words} WHERE rowid BETWEEN ? AND ?", within
        )
    }
    connection.executemany(f"DELETE FROM {tables.words} WHERE rowid = ?", [(label,) for label in texts])
    # Numbers are unique: all rows leave the range before any returns to it.
    connection.execute(f"UPDATE {tables.rows} SET n = -n WHERE n BETWEEN ? AND ?", within)
    for place, (label,) in enumerate(found, 1):
        new = low + place * step
        connection.execute(f"UPDATE {tables.rows} SET n = ? WHERE n = ?", (new, -label))
        if label in texts:
            insert_words(connection, tables, new, texts[label])


def insert_words(connection: Connection, tables: Tables, label: int, texts: list[str]) -> None:
    """Insert the words of a row."""
    connection.execute(
        f"INSERT INTO {tables.words} (rowid, {', '.join(WORDS)}) VALUES (?, ?, ?, ?)", (label, *texts)
    )
