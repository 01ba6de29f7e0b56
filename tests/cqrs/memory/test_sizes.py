"""What values take in memory, as it is counted and as it is."""

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson
import pytest

from app.cqrs.memory.sizes import bytes_of, compact

KEPT = 200
"""Values of each kind."""


class Colour(Enum):
    RED = 1


@dataclass
class Chosen:
    texts: list[str]
    colour: Colour | None = None


def taken(make: Callable[[int], Any]) -> tuple[int, list[Any]]:
    """The bytes that these values take, and they themselves."""
    tracemalloc.start()
    try:
        values = [make(number) for number in range(KEPT)]
        return tracemalloc.get_traced_memory()[0], values
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "make",
    [
        lambda number: f"{number}" * 100,
        lambda number: f"\N{GOAT}{number}" * 100,
        lambda number: orjson.loads(b"[" + b"[]," * 99 + b"[]]"),
        lambda number: {f"{number} {each}": [each * 1.5, number * 1_000] for each in range(50)},
        lambda number: tuple(f"{number} {each}" for each in range(50)),
        lambda number: Chosen([f"{number} {each}" for each in range(20)], Colour.RED),
        lambda number: compact(orjson.dumps({"number": number})),
    ],
    ids=["text", "wide text", "lists", "dictionary", "tuple", "object", "bytes"],
)
def test_the_bytes_that_are_counted_are_those_that_are_taken(make: Callable[[int], Any]) -> None:
    real, values = taken(make)
    counted = sum(map(bytes_of, values))
    assert 0.8 * counted < real < 1.3 * counted + KEPT * 20


def test_a_compact_copy_takes_its_length_and_what_orjson_returns_does_not() -> None:
    loose, results = taken(lambda number: orjson.dumps([number]))
    tight, copies = taken(lambda number: compact(orjson.dumps([number])))
    assert copies == results
    assert tight < KEPT * 100
    assert loose > KEPT * 1_000, "orjson returns bytes of their own length now: `compact` can go"
