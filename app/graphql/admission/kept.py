"""What is kept in memory because it may be asked for again, within a number of bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, at most `most` of them and `most_bytes` in all.

    Those that were not asked for the longest are dropped first. A value that takes more than `most_bytes` by
    itself is not kept, and none is dropped for it.
    """

    def __init__(self, most_bytes: int, most: int | None = None) -> None:
        self.bytes = 0
        self._most_bytes = most_bytes
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        self._sizes: dict[K, int] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """Return the value, which counts as asked for; `None` where there is none."""
        if (value := self._values.get(key)) is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V, size: int) -> bool:
        """Keep a value of so many bytes, with its key; return whether it is kept."""
        self.drop(key)
        self._values[key], self._sizes[key] = value, 0
        return self.weigh(key, size)

    def weigh(self, key: K, size: int) -> bool:
        """Count so many bytes for the value of a key from now on; return whether it is kept still."""
        if key not in self._values:
            return False
        self.bytes += size - self._sizes[key]
        self._sizes[key] = size
        if size > self._most_bytes:
            self.drop(key)
        while self.bytes > self._most_bytes or (self._most is not None and len(self._values) > self._most):
            self.drop(next(iter(self._values)))
        return key in self._values

    def drop(self, key: K) -> None:
        """Keep the value of a key no longer."""
        if self._values.pop(key, None) is not None:
            self.bytes -= self._sizes.pop(key)
