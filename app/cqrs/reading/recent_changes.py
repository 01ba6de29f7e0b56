"""What has changed in a read model of late, for answers that were read meanwhile."""

import math
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.cqrs.documents.read_model import Change
from app.cqrs.reading.sources import Source, concerns
from app.cqrs.sizes import bytes_of

REMEMBERED = 32
"""Transactions of a read model. An answer that takes longer to read is not kept."""

LARGE = 100
"""Changed documents from which on it is not worth looking at each change: all answers are concerned."""

BYTES = 1_000_000
"""Memory for the changes of a read model; the oldest beyond it count as changes of every document."""

PER_CHANGE = 500
"""Bytes of a change beside its document, filter, update and ids."""

Concerned = tuple[Change, Collection[str] | None]
"""A change, and the ids of the documents that it may change; `None` for whichever."""


@dataclass(slots=True)
class _Transaction:
    changes: Sequence[tuple[Change, frozenset[str] | None]] | None
    """`None` for too many."""
    bytes: int
    ended: float = math.inf
    """The moment, in the cache's count; without end while it is under way."""

    @classmethod
    def of(cls, changes: Sequence[Concerned]) -> "_Transaction":
        if sum(1 if ids is None else len(ids) for _, ids in changes) >= LARGE:
            return cls(None, 0)
        size = 0
        for change, ids in changes:
            parts = (change.document, change.update, change.where, change.about, ids)
            size += PER_CHANGE + bytes_of(parts, BYTES)
            if size > BYTES:
                return cls(None, 0)
        return cls([(change, None if ids is None else frozenset(ids)) for change, ids in changes], size)

    def concerns(self, sources: Sequence[Source]) -> bool:
        return self.changes is None or any(
            concerns(change, ids, source) for change, ids in self.changes for source in sources
        )


class RecentChanges:
    """The last transactions of one read model, and from which moment on they are known."""

    def __init__(self) -> None:
        self.bytes = 0
        """What the remembered changes take in memory; at most `BYTES`."""
        self._transactions: deque[_Transaction] = deque()
        self._known_from = math.inf

    def begin(self, changes: Sequence[Concerned]) -> None:
        """From now on the documents may show these changes."""
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
        """What has begun is through, or was given up."""
        for transaction in reversed(self._transactions):
            if transaction.ended < math.inf:
                break
            transaction.ended = moment

    def settle(self, moment: int) -> None:
        """Nothing is under way, and what others have changed before this moment is not known."""
        self._transactions.clear()
        self.bytes = 0
        self._known_from = moment

    def may_concern(self, sources: Sequence[Source], since: int) -> bool:
        """Whether what was read from these since a moment may show what was before a change."""
        if since < self._known_from:
            return True
        for transaction in reversed(self._transactions):
            if transaction.ended <= since:
                break
            if transaction.concerns(sources):
                return True
        return False

    def _forget_oldest_changes(self) -> None:
        for transaction in self._transactions:
            self.bytes -= transaction.bytes
            transaction.changes, transaction.bytes = None, 0
            if self.bytes <= BYTES:
                break
