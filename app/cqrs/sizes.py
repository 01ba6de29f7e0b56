"""What values take in memory, for caches that have to keep to a number of bytes."""

import math
import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

_OF_PARTS = (list, tuple, set, frozenset)
_WITHOUT_PARTS = frozenset({str, int, float, bool, bytes, type(None), date, datetime, Decimal})


def bytes_of(value: Any, limit: float = math.inf) -> int:
    """Return the bytes that a value takes with all that is in it; what is in it twice counts twice.

    Text takes up to four bytes a character, and the smallest list 56. The count ends once it exceeds
    `limit`: how long it takes is bounded as well.
    """
    size = 0
    left: list[Iterable[Any]] = [(value,)]
    getsizeof = sys.getsizeof
    while left and size <= limit:
        for each in left.pop():
            kind = type(each)
            if kind in _WITHOUT_PARTS:
                size += getsizeof(each)
            elif not isinstance(each, Enum):  # A member is there anyway.
                size += getsizeof(each)
                if kind is dict or isinstance(each, Mapping):
                    left += each, each.values()
                elif isinstance(each, _OF_PARTS):
                    left.append(each)
                elif isinstance(attributes := getattr(each, "__dict__", None), dict) and not isinstance(
                    each, type
                ):
                    left.append((attributes,))
    return size


def compact(encoded: bytes) -> bytes:
    """Return a copy that takes no more than its length.

    What orjson returns holds the buffer in which it was written, of 4 kB or more, for as long as it lives.
    `bytes(encoded)` and `encoded[:]` are no copies.
    """
    return bytes(memoryview(encoded))
