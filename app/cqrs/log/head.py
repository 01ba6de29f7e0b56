"""The newest position of the log, as far as this process knows."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass
class Head:
    """The newest known position of the log, and the time at which it was recorded."""

    position: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def rise(self, position: int, at: datetime) -> None:
        """Record that the log has reached `position`; a lower one is ignored."""
        if position > self.position:
            self.position, self.at = position, at

    def set_back(self, position: int) -> None:
        """Record that an older copy of the log was restored, whose newest position is `position`."""
        self.position, self.at = position, datetime.now(UTC)
