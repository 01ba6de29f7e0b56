"""The viewer of an operation: the person or program that asks, and what they may see."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Sight(StrEnum):
    """How much of the service a viewer may see."""

    ANONYMOUS = "anonymous"
    """What is public, such as the shop front."""
    CUSTOMER = "customer"
    """What is public, and what belongs to one customer."""
    STAFF = "staff"
    """Everything of the business."""
    OPERATOR = "operator"
    """Everything of the business, and the service itself: its read models and its log."""


class Scope(NamedTuple):
    """All that decides what a viewer may see: viewers with equal scopes may share answers."""

    sight: Sight
    customer: str | None = None
    """The id of the customer whose documents may be seen; `None` unless the sight is `CUSTOMER`."""

    def __str__(self) -> str:
        return f"{self.sight}:{self.customer}" if self.customer else str(self.sight)


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewer:
    """The person or program on whose behalf an operation runs."""

    actor: str
    """The name under which commands and events are recorded."""
    scope: Scope
    roles: frozenset[str] = frozenset()
    expires_at: float | None = None
    """The time at which this stops being true, in seconds since the epoch; `None` for never."""


OPEN = Viewer(actor="anonymous", scope=Scope(Sight.OPERATOR))
"""Everybody, where the service asks nobody who they are."""

ANONYMOUS = Viewer(actor="anonymous", scope=Scope(Sight.ANONYMOUS))
"""Those who send no token, where the service takes tokens."""


class Unauthenticated(Exception):
    """A token is no proof of who sends it; the message says why, and what to do."""


class NotVerifiable(Exception):
    """Nobody can tell at the moment whether a token is genuine; the message says why, and what to do."""
