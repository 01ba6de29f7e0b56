"""The newest published notices, kept for listeners that reconnect."""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.document_positions import DocumentPosition, ReachedPositions

_FIELDS = (
    "read_model",
    "collection",
    "document_id",
    "event_type",
    "fields",
    "about",
    "deleted",
    "may_be_new",
)
"""The fields of a notice that follow its position in a row; its number and what was reached come last."""

_values_of = attrgetter(*_FIELDS)

_Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class PublishedNotice:
    """A published notice, with its number."""

    notice: DocumentChanged
    number: int
    """The number of the notice, ascending over all read models."""
    reached: ReachedPositions
    """The positions published by then, the same for all listeners: no listener's cursor ever goes back."""


class RecentNotices:
    """The newest notices, at most `most`, oldest first.

    Each is a tuple of atomic values, which the garbage collector visits once. 10,000 notices that are objects
    would lengthen each full collection, during which no request is answered, by 20 ms.
    """

    def __init__(self, most: int) -> None:
        self._rows: deque[_Row] = deque(maxlen=most)

    def append(self, published: PublishedNotice) -> tuple[str, DocumentPosition] | None:
        """Append a notice; return the read model and the position of the notice that it displaces, if any."""
        displaced = self._rows[0] if len(self._rows) == self._rows.maxlen else None
        notice, reached = published.notice, published.reached
        position = reached[notice.read_model]
        self._rows.append((position, *_values_of(notice), published.number, *reached, *reached.values()))
        return displaced and (displaced[1], displaced[0])

    def drop(self, read_model: str) -> None:
        """Drop the notices of a read model."""
        self._rows = deque((row for row in self._rows if row[1] != read_model), self._rows.maxlen)

    def after(self, positions: ReachedPositions) -> list[PublishedNotice]:
        """Return the notices of these read models after these positions."""
        return [
            _published_of(row) for row in self._rows if row[1] in positions and row[0] > positions[row[1]]
        ]

    def of_events(self, positions: Collection[int], read_models: Iterable[str]) -> list[DocumentChanged]:
        """Return the notices of these read models about the events at these positions, which are some."""
        found, first, waiting = list[DocumentChanged](), min(positions), set(read_models)
        for row in reversed(self._rows):  # The events are of a moment ago: most rows are older.
            (position, _), name = row[0], row[1]
            if name in waiting and position in positions:
                found.append(_published_of(row).notice)
            elif position < first and name in waiting:
                waiting.remove(name)
                if not waiting:
                    break
        return found[::-1]


def _published_of(row: _Row) -> PublishedNotice:
    (position, _), values, (number, *reached) = row[0], row[1 : len(_FIELDS) + 1], row[len(_FIELDS) + 1 :]
    models = len(reached) // 2
    return PublishedNotice(
        DocumentChanged(position=position, **dict(zip(_FIELDS, values, strict=True))),
        number,
        dict(zip(reached[:models], reached[models:], strict=True)),
    )
