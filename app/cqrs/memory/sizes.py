"""The memory that values take, for caches with a limit in bytes."""

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
    """Return the bytes that a value takes with everything in it; an object that is in it twice counts twice.

    Text takes up to four bytes per character, and the smallest list 56. Counting stops once it exceeds
    `limit`, which also bounds the time.
    """
    size = 0
    left: list[Iterable[Any]] = [(value,)]
    getsizeof = sys.getsizeof
    while left and size <= limit:
        for each in left.pop():
            kind = type(each)
            if kind in _WITHOUT_PARTS:
                size += getsizeof(each)
            elif not isinstance(each, Enum):  # Members of enums exist in any case.
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

    The bytes that orjson returns keep their whole buffer, of 4 kB or more, in memory. `bytes(encoded)` and
    `encoded[:]` do not copy.
    """
    return bytes(memoryview(encoded))
