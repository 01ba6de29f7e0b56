"""The ids of documents: their keys as text."""

from datetime import date
from urllib.parse import quote
from uuid import UUID

Key = UUID | date | int | str | tuple[UUID | date | int | str, ...]
"""The key of a document; a tuple if several values identify it together."""


def document_id(key: Key) -> str:
    """Return the id of the document with this key, as text.

    The parts of a tuple are separated by slashes. A slash within a part is escaped: no two tuples have the
    same id.
    """
    return "/".join(quote(str(part), safe="") for part in key) if isinstance(key, tuple) else str(key)
