"""Texts that are compared as MongoDB compares the values that they stand for."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stores.fts5.sortable import MISSING, NotSortable, sortable

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=None) | st.integers(-(2**63), 2**63 - 1)
STORED = NUMBERS.filter(lambda number: not number or -6143 <= Decimal(number).adjusted() <= 6144)


@given(STORED, STORED)
def test_numbers_compare_by_their_values(one: Decimal | int, other: Decimal | int) -> None:
    assert (sortable(one) < sortable(other)) is (Decimal(one) < Decimal(other))
    assert (sortable(one) == sortable(other)) is (Decimal(one) == Decimal(other))


@given(st.text(), st.text())
def test_texts_compare_by_their_characters(one: str, other: str) -> None:
    assert (sortable(one) < sortable(other)) is (one < other)


@given(st.datetimes(), st.datetimes())
def test_times_compare_by_their_milliseconds(one: datetime, other: datetime) -> None:
    def stored(moment: datetime) -> datetime:
        return moment - timedelta(microseconds=moment.microsecond % 1000)

    assert (sortable(one) < sortable(other)) is (stored(one) < stored(other))
    assert sortable(one) == sortable(one.replace(tzinfo=UTC))


def test_values_of_other_types_are_never_equal_and_no_value_comes_first() -> None:
    texts = [sortable(value) for value in (1, "1", True, datetime(2026, 1, 1, tzinfo=UTC), Decimal("1.5"))]
    assert len({*texts}) == len(texts)
    assert sortable(None) == MISSING < min(texts)


@pytest.mark.parametrize("value", [["a"], {"a": 1}, b"a", Decimal("NaN"), 1.5])
def test_refuses_what_has_no_such_text(value: object) -> None:
    with pytest.raises(NotSortable):
        sortable(value)
