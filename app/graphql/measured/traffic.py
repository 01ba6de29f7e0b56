"""The sockets and subscribers of a process, and what those missed who did not read in time."""

from dataclasses import dataclass


@dataclass(slots=True)
class Traffic:
    """Numbers of all transports."""

    sockets: int = 0
    """Open websockets."""
    subscribers: int = 0
    """Subscriptions that run, over any transport."""
    items: int = 0
    """Items that were taken for sending to subscribers."""
    skipped: int = 0
    """Changes that slow subscribers were not sent one by one, and were told of."""
    unread: int = 0
    """Websockets that were disconnected because their clients left messages unread."""
