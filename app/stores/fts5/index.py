"""The search index: which documents a search finds, and up to which position it knows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.cqrs.documents.read_model import RELEVANCE, Collection, Document, Filter
from app.cqrs.documents.store import Sort
from app.stores.fts5.conditions import NotTranslatable, conditions
from app.stores.fts5.file import IndexFile
from app.stores.fts5.rows import Rows
from app.stores.fts5.tables import KEY, Tables

_DIRECTIONS = {1: "ASC", -1: "DESC"}


@dataclass(frozen=True)
class Indexed:
    """The state of a collection in the index."""

    position: int
    """The position up to which it has all changes."""
    origin: str | None
    """The origin of the documents that it has: it differs if these were deleted and projected anew."""


@dataclass(frozen=True)
class Hit:
    """A found document, with the position at which the index has it, and its rank."""

    id: str
    position: int
    rank: int | None


class SearchIndex:
    """The search index in a file. Its methods block, and all but `find` and `count` are for one thread.

    Any may raise `sqlite3.Error`.
    """

    def __init__(self, file: Path) -> None:
        self._file = IndexFile(file)

    def close(self) -> None:
        """Close the file, once no thread uses it any more."""
        self._file.close()

    def mark_damaged(self) -> None:
        """Have the index built anew when it is opened next."""
        self._file.mark_damaged()

    def indexed(self, collection: Collection) -> Indexed | None:
        """Return what the index has of a collection; `None` if it has no tables for it."""
        row = self._file.writer.execute(
            "SELECT position, origin FROM collections WHERE name = ?", (collection.stored_as,)
        ).fetchone()
        return Indexed(*row) if row else None

    def names(self) -> Sequence[str]:
        """Return the names, in the document store, of the collections that the index has."""
        return [name for [name] in self._file.writer.execute("SELECT name FROM collections ORDER BY name")]

    def rows(self, collection: Collection) -> int:
        """Return the number of documents that the index has of a collection."""
        [count] = self._file.writer.execute(f"SELECT count(*) FROM {Tables(collection).rows}").fetchone()
        return int(count)

    def reset(self, collection: Collection, origin: str | None) -> None:
        """Begin the tables of a collection anew, without a row."""
        tables = Tables(collection)
        with self._file.transaction() as connection:
            for statement in (*tables.removal, *tables.creation):
                connection.execute(statement)
            connection.execute(
                "INSERT OR REPLACE INTO collections VALUES (?, 0, ?)", (collection.stored_as, origin)
            )

    def drop(self, name: str) -> None:
        """Drop the tables of a collection."""
        with self._file.transaction() as connection:
            for part in ("rows", "words"):
                connection.execute(f'DROP TABLE IF EXISTS "{name}.{part}"')
            connection.execute("DELETE FROM collections WHERE name = ?", (name,))

    def write(
        self,
        collection: Collection,
        documents: Iterable[Document],
        removed: Iterable[str],
        position: int | None,
    ) -> None:
        """Replace documents, remove others, and set the position unless it is `None`, in one transaction.

        Raise `NotSortable` and `NotTranslatable` for a document that can't be indexed, and write nothing.
        """
        with self._file.transaction() as connection:
            rows = Rows(connection, Tables(collection))
            rows.remove(removed)
            is_forgotten = rows.put(documents)
            if position is not None:
                connection.execute(
                    "UPDATE collections SET position = ? WHERE name = ?", (position, collection.stored_as)
                )
        if is_forgotten:
            self.compact(collection)

    def compact(self, collection: Collection) -> None:
        """Rewrite the words of a collection as one list, which is searched faster and has no deleted words.

        It takes a second for some 10,000 documents.
        """
        words = Tables(collection).words
        with self._file.transaction() as connection:
            connection.execute(f"INSERT INTO {words} ({words}) VALUES ('optimize')")
        self._file.truncate_log()

    def find(
        self, collection: Collection, ranks: Sequence[tuple[int | None, Filter]], *, sort: Sort, limit: int
    ) -> list[Hit]:
        """Return the first documents that match filters, rank after rank; all of them if `limit` is 0.

        Raise `NotTranslatable`.
        """
        tables = Tables(collection)
        order = _order(tables, sort)
        hits: list[Hit] = []
        with self._file.snapshot() as reader:
            for rank, filter in ranks:
                left = limit - len(hits) if limit else -1
                if not left:
                    break
                each = conditions(filter, tables)
                # CROSS JOIN: the words are looked up first, whatever SQLite knows of the tables.
                found = reader.execute(
                    f"SELECT d._id, d.position FROM {tables.words} f CROSS JOIN {tables.rows} d "
                    f"ON d.n = f.rowid WHERE {tables.words} MATCH ?{each.where}{order} LIMIT ?",
                    (each.match, *each.parameters, left),
                )
                hits += [Hit(id[1:], position, rank) for id, position in found]
        return hits

    def count(self, collection: Collection, filter: Filter) -> int:
        """Return the number of documents that match a filter; raise `NotTranslatable`."""
        tables = Tables(collection)
        asked = conditions(filter, tables)
        joined = f" CROSS JOIN {tables.rows} d ON d.n = f.rowid" if asked.where else ""
        [count] = self._file.reader.execute(
            f"SELECT count(*) FROM {tables.words} f{joined} WHERE {tables.words} MATCH ?{asked.where}",
            (asked.match, *asked.parameters),
        ).fetchone()
        return int(count)


def _order(tables: Tables, sort: Sort) -> str:
    keys = [(path, direction) for path, direction in sort if path != RELEVANCE]
    if not keys:
        return ""
    if tuple(path for path, _ in keys) == KEY and len({direction for _, direction in keys}) == 1:
        return f" ORDER BY f.rowid {_DIRECTIONS[keys[0][1]]}"
    if missing := [path for path, _ in keys if path not in tables.columns]:
        raise NotTranslatable(missing[0])
    return f" ORDER BY {', '.join(f'{tables.columns[path]} {_DIRECTIONS[way]}' for path, way in keys)}"
