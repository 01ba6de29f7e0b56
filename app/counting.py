"""The budgets that the settings describe."""

from functools import lru_cache

from app.addresses import LONGEST, Addresses
from app.config import Settings
from app.graphql.admission.budgets import Budget, Budgets, Caller
from app.graphql.transport.senders.callers import CallerOf, Client, nobody_counts

POINTS_PER_MINUTE, COMMANDS_PER_MINUTE = 60_000, 600
"""The budgets by default, where viewers are told apart."""


MOST_CALLERS = 1_000
"""Callers that are remembered, because making one takes longer than charging it."""


def counting(settings: Settings, *, has_viewers: bool) -> CallerOf:
    """Return the function that finds the caller of a connection; it finds none without budgets.

    Where viewers are told apart, the budgets have defaults.
    """
    points = settings.points_per_minute
    commands = settings.commands_per_minute
    if has_viewers:
        points = POINTS_PER_MINUTE if points is None else points
        commands = COMMANDS_PER_MINUTE if commands is None else commands
    if not points and not commands:
        return nobody_counts
    budgets = Budgets(Budget(points) if points else None, Budget(commands) if commands else None)
    proxies = settings.proxies
    addresses = Addresses(proxies)

    @lru_cache(MOST_CALLERS)
    def caller_at(host: str | None, forwarded: bytes | None) -> Caller:
        return Caller(budgets, addresses.of(host, forwarded))

    def caller(client: Client, forwarded: bytes | None) -> Caller:
        # Only what is read of the header: 1,000 long ones would take 60 MB.
        read = forwarded[-LONGEST:] if forwarded and proxies else None
        return caller_at(client[0] if client else None, read)

    return caller
