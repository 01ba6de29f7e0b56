"""What a subscription's resolver and those who send its items tell each other, beside the items."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What there is to know of one item of a subscription."""

    cursor: str
    step: Any
    """Two executions of one operation go on alike from equal steps; null where that can't be told."""
    document: str | None
    """Whose state this is, so that a newer one may replace it; null for what is no state."""
    passed: int
    """How many changes a subscriber misses who is not sent this item."""


@dataclass(kw_only=True)
class Standing:
    """Where one execution of a subscription stands."""

    after: str | None = None
    """The cursor to go on after, where it is not the operation's own argument."""
    missed: int = 0
    """Only say that so many notices were passed over since `after`, and no more."""
    mark: Mark | None = None
    """Of the item that was made last."""
    lagged_at: list[list[str | int]] = field(default_factory=list)
    """Where that item says how many states were passed over."""

    def take(self) -> tuple[Mark | None, list[list[str | int]]]:
        """What was told of the item that was made last."""
        told = self.mark, self.lagged_at
        self.mark, self.lagged_at = None, []
        return told
