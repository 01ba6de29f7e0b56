"""The days of a shop: which moments belong to a day depends on the time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """The days in a time zone. Each lasts from its midnight to that of the next, mostly for 24 hours.

    A day on which the clocks are changed is shorter or longer. If its midnight is skipped, the day begins
    when the clocks are set forward; if it comes twice, the day begins with the first.
    """

    zone: str = "UTC"
    """The name of the time zone in the IANA database, such as `Europe/Berlin`."""

    def start(self, day: date) -> datetime | None:
        """Return the first moment of a day, in UTC; `None` if it lies outside of the years 1 to 9999."""
        return _start(self.zone, day)

    def end(self, day: date) -> datetime | None:
        """Return the first moment after a day, in UTC; `None` if it lies outside of the years 1 to 9999."""
        return None if day == date.max else _start(self.zone, day + A_DAY)

    def of(self, moment: datetime) -> date:
        """Return the day to which a moment belongs, which `start` and `end` enclose."""
        day = moment.astimezone(_zone(self.zone)).date()
        # Clocks that are set back over midnight show the old day again, after the new one has begun.
        end, start = self.end(day), self.start(day)
        if end and moment >= end:
            return day + A_DAY
        return day - A_DAY if start and moment < start else day


def refuse_unknown(zone: str) -> str:
    """Return the name of a time zone; raise `ValueError` if there is none of this name."""
    try:
        _zone(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # an OSError for a folder, such as `America`
        raise ValueError(zone) from None
    return zone


@lru_cache(16)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(4_000)
def _start(zone: str, day: date) -> datetime | None:
    try:
        return datetime.combine(day, time(), _zone(zone)).astimezone(UTC)
    except OverflowError:
        return None
