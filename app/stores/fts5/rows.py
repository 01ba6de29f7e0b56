"""The rows of a collection in the search index, as documents change them."""

from collections.abc import Iterable
from sqlite3 import Connection
from typing import Any

from app.cqrs.documents.read_model import Document
from app.cqrs.reading.pages import value_at
from app.stores.fts5.conditions import token
from app.stores.fts5.labels import insert_words, new_label
from app.stores.fts5.sortable import sortable
from app.stores.fts5.tables import KEY, WORDS, Tables


class Rows:
    """The rows of a collection, in a transaction of its caller."""

    def __init__(self, connection: Connection, tables: Tables) -> None:
        self._connection = connection
        self._tables = tables
        self._had_words = set[str]()
        """The ids of documents whose words were removed."""

    def put(self, documents: Iterable[Document]) -> bool:
        """Write documents, and return whether one has lost all its words, as a customer who is forgotten.

        Documents that were already written at a later position stay as they are. Raise `NotSortable` and
        `NotTranslatable` for a document that can't be indexed.
        """
        texts = {}
        for document in documents:
            if self._place(document):
                texts[document["_id"]] = [" ".join(map(token, document.get(path, ()))) for path in WORDS]
        # New rows may have given others new numbers. FTS5 gathers rows in memory while their numbers rise.
        labels = sorted((self._label(id), id) for id in texts)
        for label, id in labels:
            self._set_words(id, label, texts[id])
        return any(id in self._had_words and not any(each) for id, each in texts.items())

    def remove(self, ids: Iterable[str]) -> None:
        """Remove the rows of documents, if there are any."""
        for id in ids:
            found = self._connection.execute(
                f"SELECT n FROM {self._tables.rows} WHERE _id = ?", (sortable(id),)
            ).fetchone()
            if found:
                self._remove_row(id, found[0])

    def _place(self, document: Document) -> bool:
        """Insert or update the row of a document; return whether its words are to be written."""
        tables, position = self._tables, document["position"]
        values = {path: sortable(_at(document, path)) for path in tables.paths}
        name, id = (values[path] for path in KEY)
        existing = self._connection.execute(
            f'SELECT n, position, "{KEY[0]}" FROM {tables.rows} WHERE _id = ?', (id,)
        ).fetchone()
        if existing:
            label, before, name_before = existing
            if before > position:  # Another process with the same folder was faster.
                return False
            if name_before == name:
                sets = ", ".join(f'"{path}" = ?' for path in tables.paths)
                self._connection.execute(
                    f"UPDATE {tables.rows} SET position = ?, {sets} WHERE n = ?",
                    (position, *values.values(), label),
                )
                return True
            self._remove_row(document["_id"], label)
        row = (new_label(self._connection, tables, (name, id)), position, *values.values())
        self._connection.execute(f"INSERT INTO {tables.rows} VALUES ({', '.join('?' * len(row))})", row)
        return True

    def _label(self, id: str) -> int:
        [label] = self._connection.execute(
            f"SELECT n FROM {self._tables.rows} WHERE _id = ?", (sortable(id),)
        ).fetchone()
        return int(label)

    def _set_words(self, id: str, label: int, texts: list[str]) -> None:
        existing = self._words(label)
        if existing != tuple(texts):
            self._remove_words(id, label)
            insert_words(self._connection, self._tables, label, texts)

    def _words(self, label: int) -> tuple[str, ...] | None:
        found: tuple[str, ...] | None = self._connection.execute(
            f"SELECT {', '.join(WORDS)} FROM {self._tables.words} WHERE rowid = ?", (label,)
        ).fetchone()
        return found

    def _remove_row(self, id: str, label: int) -> None:
        self._connection.execute(f"DELETE FROM {self._tables.rows} WHERE n = ?", (label,))
        self._remove_words(id, label)

    def _remove_words(self, id: str, label: int) -> None:
        existing = self._words(label)
        if existing:
            self._connection.execute(f"DELETE FROM {self._tables.words} WHERE rowid = ?", (label,))
            if any(existing):
                self._had_words.add(id)


def _at(document: Document, path: str) -> Any:
    try:
        return value_at(document, path)
    except (KeyError, TypeError):
        return None
