"""The tables of a collection in the search index: a row for each document, and the words of each row."""

from dataclasses import dataclass
from functools import cached_property

from app.cqrs.documents.read_model import Collection
from app.cqrs.searching.entries import SEARCH_INDEXES

WORDS = ("words", "terms", "near")
"""The paths of a document whose texts FTS5 finds."""

KEY = ("sort_name", "_id")
"""The paths in whose order the rows are numbered."""


def is_searched(collection: Collection) -> bool:
    """Return whether the documents of a collection have entries for searches."""
    declared = {tuple(paths) for paths in collection.indexes}
    return declared.issuperset(map(tuple, SEARCH_INDEXES))


@dataclass(frozen=True)
class Tables:
    """The names of the tables of a collection and of their columns, quoted."""

    collection: Collection

    @property
    def rows(self) -> str:
        """The table with a row for each document, numbered in the order of `KEY`."""
        return f'"{self.collection.stored_as}.rows"'

    @property
    def words(self) -> str:
        """The table of FTS5 with the words of the rows."""
        return f'"{self.collection.stored_as}.words"'

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The paths with a column: all those by which lists are filtered or sorted."""
        indexed = (path.removeprefix("-") for paths in self.collection.indexes for path in paths)
        return tuple(dict.fromkeys([*KEY, *(path for path in indexed if path not in WORDS)]))

    @cached_property
    def columns(self) -> dict[str, str]:
        """The column of each path."""
        return {path: f'd."{path}"' for path in self.paths}

    @cached_property
    def creation(self) -> tuple[str, ...]:
        """The statements that create the tables."""
        columns = ", ".join(f'"{path}" TEXT NOT NULL' for path in self.paths)
        first, then = KEY
        name = self.collection.stored_as
        return (
            f"CREATE TABLE {self.rows} (n INTEGER PRIMARY KEY, position INTEGER NOT NULL, {columns})",
            f'CREATE UNIQUE INDEX "{name}.by_key" ON {self.rows} ("{first}", "{then}")',
            f'CREATE UNIQUE INDEX "{name}.by_id" ON {self.rows} ("{then}")',
            # The words are folded and cut already. `detail=column` leaves out where a word stands.
            f"CREATE VIRTUAL TABLE {self.words} USING fts5({', '.join(WORDS)}, detail=column, "
            "prefix='1 2 3', tokenize=\"ascii tokenchars '+#=_'\")",
        )

    @property
    def removal(self) -> tuple[str, ...]:
        """The statements that drop the tables."""
        return (f"DROP TABLE IF EXISTS {self.rows}", f"DROP TABLE IF EXISTS {self.words}")

    def beyond(self, operator: str) -> str:
        """Return the condition for rows after (`>`) or before (`<`) two values of `KEY`, its parameters."""
        first, then = KEY
        direction = "ASC" if operator == ">" else "DESC"
        return (
            f'f.rowid {operator}= (SELECT n FROM {self.rows} WHERE ("{first}", "{then}") {operator} (?, ?) '
            f'ORDER BY "{first}" {direction}, "{then}" {direction} LIMIT 1)'
        )
