"""What has changed in a read model of late, for answers that were read meanwhile."""

import math
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.cqrs.documents.read_model import Change
from app.cqrs.reading.sources import Source, concerns

REMEMBERED = 32
"""Transactions of a read model. An answer that takes longer to read is not kept."""

LARGE = 100
"""Changed documents from which on it is not worth looking at each change: all answers are concerned."""

Concerned = tuple[Change, Collection[str] | None]
"""A change, and the ids of the documents that it may change; `None` for whichever."""


@dataclass(slots=True)
class _Transaction:
    changes: Sequence[tuple[Change, frozenset[str] | None]] | None
    """`None` for too many."""
    ended: float = math.inf
    """The moment, in the cache's count; without end while it is under way."""

    @classmethod
    def of(cls, changes: Sequence[Concerned]) -> "_Transaction":
        if sum(1 if ids is None else len(ids) for _, ids in changes) >= LARGE:
            return cls(None)
        return cls([(change, None if ids is None else frozenset(ids)) for change, ids in changes])

    def concerns(self, sources: Sequence[Source]) -> bool:
        return self.changes is None or any(
            concerns(change, ids, source) for change, ids in self.changes for source in sources
        )


class RecentChanges:
    """The last transactions of one read model, and from which moment on they are known."""

    def __init__(self) -> None:
        self._transactions: deque[_Transaction] = deque()
        self._known_from = math.inf

    def begin(self, changes: Sequence[Concerned]) -> None:
        """From now on the documents may show these changes."""
        self._transactions.append(_Transaction.of(changes))
        if len(self._transactions) > REMEMBERED:
            self._known_from = max(self._known_from, self._transactions.popleft().ended)

    def end(self, moment: int) -> None:
        """What has begun is through, or was given up."""
        for transaction in reversed(self._transactions):
            if transaction.ended < math.inf:
                break
            transaction.ended = moment

    def settle(self, moment: int) -> None:
        """Nothing is under way, and what others have changed before this moment is not known."""
        self._transactions.clear()
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
