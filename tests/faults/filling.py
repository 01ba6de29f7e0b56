"""Fills what a service keeps up to a stated number, so that a soak does not take that for a leak."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

from schema.circle.ids import global_id
from tests.faults.hostile.target import Target

AT_ONCE = 16
"""Requests that are under way."""

NOTICES = 10_000
"""Notices that are kept for subscribers who come back; a command makes at least two."""

OPERATIONS, FIELDS = 1_000, 25
"""Different operations, each with as many fields: more than are kept as bodies, texts, and compiled."""

COMMANDS = 20
"""Commands in one mutation, at most."""

RECEIVE = """mutation ($id: ID!) { receiveStock(input: {productId: $id, quantity: 1}) {
    receipt { token } errors { code } } }"""

REFUSED = f"""mutation ({", ".join(f"$i{n}: ID!" for n in range(COMMANDS))}) {{ {
    " ".join(
        f"a{n}: receiveStock(input: {{productId: $i{n}, quantity: 1}}) {{ errors {{ code }} }}"
        for n in range(COMMANDS)
    )
} }}"""


async def fill(target: Target, share: float = 1) -> None:
    """Ask for as much as fills the notices, ids and operations that are kept, or for a share of that."""
    for bodies in (_commands(target, share), _unknown_ids(share), _operations(share)):
        await asyncio.gather(*(_send(target, bodies) for _ in range(AT_ONCE)))


async def _send(target: Target, bodies: Iterator[object]) -> None:
    for body in bodies:
        await target.post("one who fills the caches", body)


def _commands(target: Target, share: float) -> Iterator[object]:
    for number in range(round(share * NOTICES / 2)):
        yield {"query": RECEIVE, "variables": {"id": target.products[number % len(target.products)]}}


def _unknown_ids(share: float) -> Iterator[object]:
    """Commands that are refused, each with an id that was not seen before."""
    most = global_id.cache_info().maxsize
    assert most
    for _ in range(0, round(share * most), COMMANDS):
        yield {
            "query": REFUSED,
            "variables": {f"i{each}": global_id("Product", uuid4()) for each in range(COMMANDS)},
        }


def _operations(share: float) -> Iterator[object]:
    for number in range(round(share * OPERATIONS)):
        fields = " ".join(f"a{number}x{each}: name" for each in range(FIELDS))
        query = f"query ($first: Int) {{ products(first: $first) {{ nodes {{ id {fields} }} }} }}"
        for first in (1, 2):
            yield {"query": query, "variables": {"first": first}}
