"""Both customers follow the same orders, their own and the other's, with the same texts."""

from collections.abc import Iterator

from tests.faults.crossed.askers import Answers
from tests.faults.crossed.questions import ORDER
from tests.viewing.operations import Asked
from tests.viewing.roles import Books
from tests.viewing.ways import socket_of

ALL = f"subscription ($id: ID!) {{ customerOrdersUpdated(customerId: $id) {{ cursor order {{ {ORDER} }} }} }}"
ONE = f"subscription ($id: ID!) {{ orderUpdated(id: $id) {{ cursor order {{ {ORDER} }} }} }}"


def _followed(books: Books) -> Iterator[Asked]:
    for own in books.of.values():
        yield Asked("customerOrdersUpdated", ALL, {"id": own.customer})
        for order in own.orders:
            yield Asked("orderUpdated", ONE, {"id": order})


async def keep_following(role: str, books: Books, answers: Answers) -> None:
    """Judge every item that a role is sent, until it is cancelled."""
    async with socket_of(books, role) as socket:
        for asked in _followed(books):
            await socket.begin(asked)
        while True:
            answers.judge(role, "followed", str(await socket.next()).encode())
