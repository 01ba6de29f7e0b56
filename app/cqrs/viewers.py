"""The viewer of an operation: the person or program that asks, and what they may see."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Sight(StrEnum):
    """A degree of what a viewer may see of the service; each one includes those before it."""

    ANONYMOUS = "anonymous"
    """All that is public, such as the shop front."""
    CUSTOMER = "customer"
    """All that is public, and all that belongs to one customer."""
    STAFF = "staff"
    """Everything of the business."""
    OPERATOR = "operator"
    """Everything of the business, and the service itself: its read models and its log."""

    # An enum's own hash is a function in Python, and scopes are part of the key of every answer.
    __hash__ = str.__hash__

    def includes(self, other: "Sight") -> bool:
        """Return whether a viewer with this sight may see what is for viewers with the other one."""
        return _RANKS[self] >= _RANKS[other]


_RANKS = {sight: rank for rank, sight in enumerate(Sight)}


class Scope(NamedTuple):
    """All that decides what a viewer may see: viewers with equal scopes may share answers."""

    sight: Sight
    customer: str | None = None
    """The id of the customer whose documents may be seen; `None` unless the sight is `CUSTOMER`."""

    @property
    def customer_id(self) -> UUID | None:
        """The customer's id, if it is one of this shop's."""
        try:
            return UUID(self.customer) if self.customer else None
        except ValueError:  # An issuer may name a customer in another way, who then is nobody's owner here.
            return None

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
    issued_at: float | None = None
    """The time at which the token was issued, in seconds since the epoch; `None` if that is unknown."""
    spender: str = field(init=False, compare=False, repr=False)
    """The name under which the viewer's spending is counted."""

    def __post_init__(self) -> None:
        """Make the name once: it is needed for every answer."""
        object.__setattr__(self, "spender", f"@{self.actor}")


PROGRAMS = frozenset({"anonymous", "check", "command line", "demo", "restore"})
"""Actors that are parts of this program, or nobody: all others may be the names of people."""

OPEN = Viewer(actor="anonymous", scope=Scope(Sight.OPERATOR))
"""Everybody, where the service asks nobody who they are."""

ANONYMOUS = Viewer(actor="anonymous", scope=Scope(Sight.ANONYMOUS))
"""All who send no token to a service that takes tokens."""


class Unauthenticated(Exception):
    """A token is no proof of who sends it; the message says why, and what to do."""


class NotVerifiable(Exception):
    """Nobody can tell at the moment whether a token is genuine; the message says why, and what to do."""
