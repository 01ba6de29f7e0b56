"""The times of orders, as senders of commands state them when they import history."""

from datetime import UTC, datetime, timedelta

from app.domain.orders.status import OrderStatus

FIRST_DAY = datetime(1900, 1, 1, tzinfo=UTC)
SKEW = timedelta(seconds=5)
"""The time by which a client's clock may be ahead of the server's."""


def moment(given: datetime | None, now: datetime) -> datetime:
    """Return the given time, which is in the past, or `now`; raise `ValueError`."""
    if given is None:
        return now
    if given.tzinfo is None:
        raise ValueError(
            f"must have a UTC offset, such as 2024-05-31T12:00:00Z; {given.isoformat()} has none"
        )
    if given > now + SKEW:
        raise ValueError(f"must not be in the future; it is {_shown(given)}")
    if given < FIRST_DAY:
        raise ValueError(f"must not be before {FIRST_DAY.year}; it is {_shown(given)}")
    return min(given.astimezone(UTC), now)


def step(given: datetime | None, now: datetime, since: datetime, status: OrderStatus) -> datetime:
    """Return the time of the step after `status`, which the order has had `since`; raise `ValueError`."""
    at = moment(given, now)
    shown = since.replace(microsecond=since.microsecond // 1000 * 1000)  # Clients know the milliseconds.
    if given is not None and given < shown:
        raise ValueError(
            f"must not be before {_shown(shown)}, when the order was {status.value.lower()}; "
            f"it is {_shown(given)}"
        )
    return max(at, since)  # A clock that was set back does not mix up the order's history.


def _shown(moment: datetime) -> str:
    """Return a time as clients write it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
