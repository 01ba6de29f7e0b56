"""The state that a subscription's resolver shares with the code that sends its items."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.cqrs.measured.tracing import Told


@dataclass(frozen=True, kw_only=True)
class ItemMetadata:
    """The data that a subscription's resolver gives with an item, for those who queue and send it."""

    cursor: str
    position: int
    """The highest position of which the item tells: a client that has it must not be shown less."""
    step: Any
    """Two executions of one operation yield equal items after equal steps; `None` if this is not known."""
    document: str | None
    """The key of the document whose state the item is, so that a newer one may replace it; else `None`."""
    changes: int
    """The number of changes that a subscriber misses if it is not sent this item."""
    continues: bool = False
    """True if the item is only what has changed since the item before: a subscriber that misses one of them
    must resume after the last item that it was sent.
    """
    told: Told | None = None
    """The events that the item tells of; `None` if it tells of none."""


@dataclass(kw_only=True)
class SubscriptionState:
    """The state of one execution of a subscription."""

    after: str | None = None
    """The cursor to resume after, if it replaces the operation's own argument."""
    skipped: int = 0
    """If not 0, the subscription yields a single item: that so many notices were skipped since `after`."""
    item: ItemMetadata | None = None
    """The metadata of the newest item."""
    lagged_at: list[list[str | int]] = field(default_factory=list)
    """The paths in the newest item at which it shows how many states were skipped."""

    show: Callable[[Any, Any], Any] | None = None
    """The compiled function that shows an event; it raises an exception for what it can't show."""

    def shown(self, event: Any, context: Any) -> Any:
        """Return the data that shows an event; `None` if graphql-core must execute it."""
        if self.show is None:
            return None
        try:
            return self.show(event, context)
        except Exception:  # It tells nothing: graphql-core finds the fault in this event, and shows the next.
            self.show = None
            return None

    def take(self) -> tuple[ItemMetadata | None, list[list[str | int]]]:
        """Return the metadata and the paths of the newest item, and clear both."""
        taken = self.item, self.lagged_at
        self.item, self.lagged_at = None, []
        return taken
