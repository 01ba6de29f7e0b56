"""What values take in memory, for caches that have to keep to a number of bytes."""

import sys
from collections.abc import Mapping
from enum import Enum
from typing import Any

_OF_PARTS = (list, tuple, set, frozenset)


def bytes_of(value: Any) -> int:
    """Return the bytes that a value takes with all that is in it; what is in it twice counts twice.

    Text takes up to four bytes a character, and the smallest list 56.
    """
    if isinstance(value, Enum):
        return 0  # It is there anyway.
    if isinstance(value, Mapping):
        return sys.getsizeof(value) + sum(map(bytes_of, value)) + sum(map(bytes_of, value.values()))
    if isinstance(value, _OF_PARTS):
        return sys.getsizeof(value) + sum(map(bytes_of, value))
    if isinstance(attributes := getattr(value, "__dict__", None), dict) and not isinstance(value, type):
        return sys.getsizeof(value) + bytes_of(attributes)
    return sys.getsizeof(value)


def compact(encoded: bytes) -> bytes:
    """Return a copy that takes no more than its length.

    What orjson returns holds the buffer in which it was written, of 4 kB or more, for as long as it lives.
    `bytes(encoded)` and `encoded[:]` are no copies.
    """
    return bytes(memoryview(encoded))
