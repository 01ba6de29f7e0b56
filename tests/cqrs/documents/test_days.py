"""Days in a time zone, also where clocks are set forward or back, even over midnight."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.cqrs.documents.days import A_DAY, Days, refuse_unknown

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # whose clocks changed at midnight
    "America/St_Johns",  # whose clocks were set back a minute after midnight, to the day before
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Pacific/Apia",  # which skipped a day
    "Pacific/Auckland",
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        ("UTC", "2026-03-29", "2026-03-29T00:00", "2026-03-30T00:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),  # 23 hours
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),  # 25 hours
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", "2018-11-05T02:00"),  # without a midnight
        ("America/Havana", "2026-11-01", "2026-11-01T04:00", "2026-11-02T05:00"),  # with two midnights
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30", "2010-11-08T03:30"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", "2011-12-30T10:00"),  # which never was
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", "2011-12-31T10:00"),
    ],
)
def test_a_day_lasts_from_its_first_midnight_to_the_next_days(
    zone: str, day: str, start: str, end: str
) -> None:
    days, wanted = Days(zone), date.fromisoformat(day)
    assert (days.start(wanted), days.end(wanted)) == (utc(start), utc(end))
    if start != end:
        assert days.of(utc(start)) == days.of(utc(end) - timedelta(microseconds=1)) == wanted
    assert days.of(utc(end)) > wanted > days.of(utc(start) - timedelta(microseconds=1))


@given(
    some.sampled_from(ZONES),
    some.datetimes(datetime(1900, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 - naive, as hypothesis wants it
    some.timezones(),
)
def test_each_moment_belongs_to_the_one_day_that_encloses_it(
    zone: str, at: datetime, written_in: object
) -> None:
    days, moment = Days(zone), at.replace(tzinfo=UTC)
    day = days.of(moment.astimezone(written_in))  # type: ignore[arg-type]
    start, end = days.start(day), days.end(day)
    assert start
    assert end
    assert start <= moment < end
    assert days.end(day - A_DAY) == start


def test_the_ends_of_the_calendar_are_no_limits() -> None:
    assert Days("Asia/Tokyo").start(date.min) is None
    assert Days("America/New_York").end(date.max - A_DAY) is not None
    assert Days("America/New_York").end(date.max) is None


@pytest.mark.parametrize("zone", ["", "Berlin", "Europe", "../etc/passwd", "/etc/passwd", "Europe/Berlin\0"])
def test_a_zone_that_is_not_known_is_refused(zone: str) -> None:
    with pytest.raises(ValueError):
        refuse_unknown(zone)
