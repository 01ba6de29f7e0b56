"""The customer that a viewer is."""

import pytest

from tests.schema.client import Client
from tests.viewing.roles import ROLES, Books


@pytest.mark.parametrize("role", ROLES)
async def test_each_customer_is_told_who_they_are_and_nobody_else_is_a_customer(
    books: Books, role: str
) -> None:
    client = Client(books.url, books.http[role])
    for _ in range(3):  # answers that are kept are told apart, too
        me = (await client.send("{ me { id } }", token=books.staff.seen)).data["me"]
        assert me == ({"id": books.of[role].customer} if role in books.of else None)
