"""A crossed answer is found, whatever it shows of the other customer."""

from typing import cast

import pytest

from schema.circle.ids import global_id
from tests.faults.crossed.askers import QUANTITIES, Answers
from tests.schema.client import Client
from tests.viewing.roles import ADA, ANONYMOUS, BOB, CUSTOMERS, Belongings, Books


@pytest.fixture
def answers() -> Answers:
    of = {
        name: Belongings(
            customer=global_id("Customer", f"0000000{number}-0000-7000-8000-000000000000"),
            words=[f"{name.title()}mark", f"{name} Lane"],
        )
        for number, name in enumerate(CUSTOMERS)
    }
    return Answers(
        Books(url="", http={}, tokens={}, of=of, products=[], staff=cast("Client", None))  # asks nobody
    )


def page(role: str, more: int = 0) -> bytes:
    totals = f'{{"orders": 2, "units": "{2 * QUANTITIES.get(role, 0) + more}"}}'
    return f'{{"data": {{"orders": {{"totals": {totals}, "edges": []}}}}}}'.encode()


def test_what_is_their_own_is_not_crossed(answers: Answers) -> None:
    answers.judge(ADA, "order", b"Adamark, ada Lane")
    answers.judge(BOB, "order", b"null")
    for role in (ADA, BOB, ANONYMOUS):
        answers.judge(role, "orders", page(role))
    assert (answers.crossed, answers.total, answers.own) == ([], 5, {ADA: 1})


@pytest.mark.parametrize(
    ("role", "kind", "body"),
    [
        (ADA, "order", b"Bobmark"),
        (ADA, "followed", b"00000001-0000-7000-8000-000000000000"),
        (BOB, "customers", b"Bobmark, ada Lane"),
        (ANONYMOUS, "node", global_id("Customer", "00000001-0000-7000-8000-000000000000").encode()),
        (ADA, "orders", page(ADA, 1)),
        (BOB, "orders", page(BOB, 99)),
        (ANONYMOUS, "orders", page(ANONYMOUS, 100)),
    ],
)
def test_what_is_anothers_is_crossed(answers: Answers, role: str, kind: str, body: bytes) -> None:
    answers.judge(role, kind, body)
    assert len(answers.crossed) == 1
