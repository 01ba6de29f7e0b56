"""Buckets fill steadily, never above the full minute, and take bounded memory."""

import pytest
from graphql import GraphQLError

from app.cqrs.viewers import ANONYMOUS, OPEN
from app.graphql.admission.budgets import Account, Budget, Budgets, Caller, Throttled
from tests.viewers import BEA, customer


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_bucket_is_full_at_first_and_refills_in_a_minute(clock: Clock) -> None:
    budget = Budget(600, clock=clock)
    assert (budget.left("ada"), budget.take("ada", 600), budget.take("ada", 25)) == (600, 0, -2.5)
    clock.now += 2.5
    assert budget.take("ada", 25) == 0
    clock.now += 59
    assert budget.left("ada") == 590
    clock.now += 3_600
    assert (budget.left("ada"), budget.take("ada", 1)) == (600, 599)


def test_spenders_have_a_bucket_each(clock: Clock) -> None:
    budget = Budget(60, clock=clock)
    assert budget.take("ada", 60) == 0
    assert budget.take("bob", 60) == 0
    assert budget.take("ada", 1) == -1


def test_what_is_given_back_never_makes_more_than_a_full_bucket_and_what_is_charged_no_debt(
    clock: Clock,
) -> None:
    budget = Budget(60, clock=clock)
    budget.take("ada", 10)
    assert budget.give("ada", 5) == 55
    assert budget.give("ada", 1_000) == 60
    assert budget.give("ada", -1_000) == 0
    assert budget.give("bob", -1) == 59


@pytest.mark.parametrize("pause", [0, 1, 29, 59, 61, 150])
def test_no_bucket_is_forgotten_before_it_is_full_unless_there_are_too_many(
    clock: Clock, pause: float
) -> None:
    budget = Budget(60, clock=clock, most=1_000)
    budget.take("ada", 60)
    for number in range(100):
        clock.now += pause / 100
        budget.take(f"other {number}", 1)
    assert budget.left("ada") == pytest.approx(min(60, pause))


def test_buckets_that_are_full_are_forgotten(clock: Clock) -> None:
    budget = Budget(60, clock=clock)
    for _ in range(10):
        for number in range(100):
            budget.take(f"{clock.now} {number}", 1)
        clock.now += 61
    assert budget.buckets <= 200


def test_a_flood_of_names_takes_bounded_memory(clock: Clock) -> None:
    budget = Budget(60, clock=clock, most=1_000)
    for number in range(10_000):
        budget.take(str(number), 60)
        assert budget.buckets <= 1_000
    assert budget.take("9999", 1) < 0


def test_viewers_spend_under_their_names_and_all_others_under_their_addresses() -> None:
    caller = Caller(Budgets(), "10.0.0.5")
    spenders = [caller.spender(viewer) for viewer in (OPEN, ANONYMOUS, BEA, customer("1"))]
    assert spenders == ["10.0.0.5", "10.0.0.5", "@bea", "@customer 1"]


def test_a_mutation_without_points_spends_no_command(clock: Clock) -> None:
    budgets = Budgets(Budget(60, clock=clock), Budget(60, clock=clock))
    account = Account(Caller(budgets, ""), BEA)
    account.charge(40, 2)
    with pytest.raises(Throttled) as refusal:
        account.charge(40, 2)
    assert budgets.commands
    assert budgets.commands.left("@bea") == 58
    assert refusal.value.extensions == {
        "code": "THROTTLED",
        "retryAfter": 20,
        "cost": {"requested": 40, "left": 20, "maximum": 60, "restoreRate": 1},
    }
    clock.now += refusal.value.wait
    account.charge(40, 2)


def test_what_no_waiting_helps_against_is_beyond_a_limit(clock: Clock) -> None:
    account = Account(Caller(Budgets(Budget(60, clock=clock), Budget(1, clock=clock)), ""), BEA)
    for points, commands in ((61, 0), (1, 2)):
        with pytest.raises(GraphQLError) as refusal:
            account.charge(points, commands)
        assert refusal.value.extensions
        assert refusal.value.extensions["code"] == "LIMIT_EXCEEDED"
