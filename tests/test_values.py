from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.values import (
    HIGHEST_PRICE,
    MOST_UNITS,
    ZERO,
    Money,
    discount,
    email_key,
    optional,
    price,
    quantity,
    sku,
    text,
)

prices = some.decimals(0, HIGHEST_PRICE, places=2)
discounts = some.decimals(0, 1, places=4)
quantities = some.integers(1, MOST_UNITS)


@given(prices, quantities, discounts)
def test_rounding_is_never_off_by_more_than_half_a_cent_and_ties_go_to_the_even_cent(
    unit_price: Decimal, units: int, share: Decimal
) -> None:
    exact = Fraction(unit_price) * units * (1 - Fraction(share)) * 100
    cents = Money.rounded(unit_price * units * (1 - share)).cents
    assert abs(exact - cents) <= Fraction(1, 2)
    assert abs(exact - cents) < Fraction(1, 2) or cents % 2 == 0


@given(prices)
def test_money_in_cents_and_back_is_the_same_money(amount: Decimal) -> None:
    assert Money.from_cents(Money(amount).cents) == Money(amount)


def test_sums_are_exact() -> None:
    assert sum([Money(Decimal("0.1")), Money(Decimal("0.2"))], ZERO) == Money(Decimal("0.30"))


def test_money_is_written_with_two_decimals_and_its_currency() -> None:
    assert str(Money(Decimal("1E+1"))) == "10.00 USD"


def test_there_is_no_negative_zero() -> None:
    assert str(price(Decimal("-0"))) == "0.00 USD"
    assert str(discount(Decimal("-0"))) == "0"


def test_a_discount_has_one_way_of_being_written() -> None:
    assert str(discount(Decimal("0.1500"))) == "0.15"


def test_a_sku_is_trimmed_and_in_upper_case() -> None:
    assert sku(" tea-1 ") == "TEA-1"


@pytest.mark.parametrize("code", ["", " ", "-TEA", "TEA 1", "TÉA", "A" * 41, "TEA\n1", "TEA\x00"])
def test_refuses_a_sku_that_no_label_could_carry(code: str) -> None:
    with pytest.raises(ValueError, match="must be 1 to 40 letters"):
        sku(code)


@pytest.mark.parametrize(
    "amount", ["-0.01", "10000000", "0.001", "NaN", "sNaN", "Infinity", "1E+999999", "1E-999999"]
)
def test_refuses_what_is_no_price(amount: str) -> None:
    with pytest.raises(ValueError, match="must"):
        price(Decimal(amount))


def test_refuses_another_currency() -> None:
    with pytest.raises(ValueError, match="must be in USD"):
        price(Decimal(1), "EUR")


@pytest.mark.parametrize("share", ["-0.1", "1.0001", "0.00001", "NaN", "-Infinity", "1E-999999"])
def test_refuses_what_is_no_discount(share: str) -> None:
    with pytest.raises(ValueError, match="must"):
        discount(Decimal(share))


@pytest.mark.parametrize("units", [0, -1, 1_000_001, 10**30])
def test_refuses_what_nobody_orders(units: int) -> None:
    with pytest.raises(ValueError, match="must be between 1 and"):
        quantity(units)


@pytest.mark.parametrize("name", ["Chai ☕", "شاي", "茶", "Ⓣⓔⓐ", "two\nlines"])
def test_any_script_is_text(name: str) -> None:
    assert text(20)(f" {name} ") == name


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (" ", "must not be empty"),
        ("x" * 11, "must be at most 10 characters; it has 11"),
        ("a\x00b", r"must not contain control characters; character 2 is U\+0000"),
        ("a\ud800b", r"must not contain control characters; character 2 is U\+D800"),
    ],
)
def test_refuses_text_that_is_too_short_too_long_or_unprintable(value: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        text(10, at_least=1)(value)


def test_what_has_no_width_is_trimmed_like_white_space() -> None:
    assert text(4)("\ufeff tea\u200b\u00a0") == "tea"
    with pytest.raises(ValueError, match="must not be empty"):
        text(10, at_least=1)("\u200b \u2060")


@pytest.mark.parametrize("value", [None, "", "  ", "\u200b"])
def test_blank_text_is_no_text_where_it_may_be_missing(value: str | None) -> None:
    assert optional(text(10))(value) is None


parsers: list[Callable[[Any], object]] = [price, discount]


@pytest.mark.parametrize("parse", parsers)
@given(some.decimals(allow_nan=True, allow_infinity=True))
def test_any_decimal_is_taken_or_refused_with_a_value_error(
    parse: Callable[[Any], object], amount: Decimal
) -> None:
    try:
        parse(amount)
    except ValueError as complaint:
        assert str(complaint).startswith("must")  # noqa: PT017


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.com", "ada@eXample.com"),
        ("caf\u00e9@example.com", "CAFE\u0301@example.com"),
        ("ada@b\u00fccher.example", "ada@bu\u0308cher.example"),
        ("ada@B\u00dcCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@b\u00fccher.example", "ada@XN--BCHER-KVA.example"),
        ("ada@mail.example.com", "ada@mail\u3002example.com"),
        ("ada@example.com", "ada@\uff45\uff58ample.com"),
    ],
)
def test_one_address_in_two_spellings_is_compared_alike(one: str, other: str) -> None:
    assert email_key(one) == email_key(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@stra\u00dfe.example", "ada@strasse.example"),  # two domains since IDNA 2008
        ("\uff41da@example.com", "ada@example.com"),  # two mailboxes
        ("ada@xn--99999999999.example", "ada@example"),
        ("ada@xn---.example", "ada@example.com"),
        ("ada@xn--a.example", "ada@xn--b.example"),
    ],
)
def test_two_addresses_are_compared_apart(one: str, other: str) -> None:
    assert email_key(one) != email_key(other)
