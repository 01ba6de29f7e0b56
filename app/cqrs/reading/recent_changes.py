"""The recent changes of a read model, for answers that were read at the same time."""

import math
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.cqrs.documents.read_model import Change
from app.cqrs.memory.sizes import bytes_of
from app.cqrs.reading.invalidation import InvalidationIndex
from app.cqrs.reading.sources import Source

REMEMBERED = 32
"""Transactions of a read model in memory. An answer whose read began before these is not kept."""

LARGE = 100
"""Documents of one transaction from which every answer that was read meanwhile counts as stale."""

BYTES = 1_000_000
"""Bytes for the changes of a read model; beyond it, the oldest count as changes of every document."""

PER_CHANGE = 500
"""Bytes of a change in addition to its document, filter, update and ids."""

ChangeWithIds = tuple[Change, Collection[str] | None]
"""A change, and the ids of the documents that it may affect; `None` if these are not known."""


@dataclass(slots=True)
class _Transaction:
    changes: Sequence[ChangeWithIds] | None
    """The changes; `None` if there are too many, or if they are too large."""
    bytes: int
    ended: float = math.inf
    """The moment of the end, in the cache's count; infinite while it is in progress."""

    @classmethod
    def of(cls, changes: Sequence[ChangeWithIds]) -> "_Transaction":
        if sum(1 if ids is None else len(ids) for _, ids in changes) >= LARGE:
            return cls(None, 0)
        size = 0
        for change, ids in changes:
            parts = (change.document, change.update, change.where, change.about, ids)
            size += PER_CHANGE + bytes_of(parts, BYTES)
            if size > BYTES:
                return cls(None, 0)
        return cls(changes, size)

    def makes_stale(self, answer: InvalidationIndex) -> bool:
        return self.changes is None or any(answer.stale_after(change, ids) for change, ids in self.changes)


class RecentChanges:
    """The last transactions of one read model, and the moment from which all are known."""

    def __init__(self) -> None:
        self.bytes = 0
        """The bytes that the remembered changes take; at most `BYTES`."""
        self._transactions: deque[_Transaction] = deque()
        self._known_from = math.inf

    def begin(self, changes: Sequence[ChangeWithIds]) -> None:
        """Record that the documents may show these changes from now on."""
        transaction = _Transaction.of(changes)
        self._transactions.append(transaction)
        self.bytes += transaction.bytes
        if len(self._transactions) > REMEMBERED:
            oldest = self._transactions.popleft()
            self.bytes -= oldest.bytes
            self._known_from = max(self._known_from, oldest.ended)
        if self.bytes > BYTES:
            self._forget_oldest_changes()

    def end(self, moment: int) -> None:
        """Record that all begun transactions have ended, or were given up."""
        for transaction in reversed(self._transactions):
            if transaction.ended < math.inf:
                break
            transaction.ended = moment

    def settle(self, moment: int) -> None:
        """Record that no transaction is in progress, and that changes before this moment are not known."""
        self._transactions.clear()
        self.bytes = 0
        self._known_from = moment

    def doubt_before(self, moment: int) -> None:
        """Record that a change before this moment may not be known."""
        self._known_from = max(self._known_from, moment)

    def may_have_made_stale(self, sources: Sequence[Source], since: int) -> bool:
        """Return whether an answer that was read from `sources` since a moment may be stale already."""
        if since < self._known_from:
            return True
        answer = None
        for transaction in reversed(self._transactions):
            if transaction.ended <= since:
                break
            if answer is None:  # Most answers were read while nothing changed, and need no index.
                answer = InvalidationIndex()
                answer.add(None, sources)
            if transaction.makes_stale(answer):
                return True
        return False

    def _forget_oldest_changes(self) -> None:
        for transaction in self._transactions:
            self.bytes -= transaction.bytes
            transaction.changes, transaction.bytes = None, 0
            if self.bytes <= BYTES:
                break
