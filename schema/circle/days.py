"""Days in lists' conditions: a range of them, in the shop's time zone, is a range of moments."""

from datetime import date, datetime

import strawberry

from app.cqrs.documents.days import Days
from schema.circle.conditions import refuse_reversed


@strawberry.input(
    description="A range of days in the time zone of the shop, each from midnight to midnight. It is one day "
    "if both are the same."
)
class DayRange:
    first_day: date | None = strawberry.field(
        default=None, description="The first day, inclusive. By default there is none."
    )
    last_day: date | None = strawberry.field(
        default=None, description="The last day, inclusive. By default there is none."
    )


def moments_within(
    wanted: DayRange | None,
    days: Days,
    *,
    earliest: datetime | None = None,
    end: datetime | None = None,
) -> tuple[datetime | None, datetime | None]:
    """Return the earliest moment, and the end, that also limit a range of moments to the wanted days.

    The end is exclusive, and `None` stands for no limit. Raise `BadArgument` for days in the wrong order.
    """
    if wanted is None:
        return earliest, end
    first, last = wanted.first_day, wanted.last_day
    refuse_reversed(("firstDay", "lastDay"), first, last)
    start = days.start(first) if first else None
    stop = days.end(last) if last else None
    return (
        max((each for each in (earliest, start) if each), default=None),
        min((each for each in (end, stop) if each), default=None),
    )
