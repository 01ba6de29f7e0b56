"""The newest position of the log, as far as this process knows."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass
class Head:
    """The newest position that is known to be in the log, and when it got there."""

    position: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def rise(self, position: int, at: datetime) -> None:
        """The log has reached `position`; it never goes back."""
        if position > self.position:
            self.position, self.at = position, at

    def set_back(self, position: int) -> None:
        """Take `position` for the newest one: somebody has restored an older copy of the log."""
        self.position, self.at = position, datetime.now(UTC)
