"""A cache that is bounded in bytes and in values."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """A cache of at most `most` values, which take at most `most_bytes` together.

    The least recently used value is dropped first. A value that takes more than `most_bytes` by itself is not
    cached, and no other value is dropped for it.
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
        """Return the value of a key, which counts as used now; `None` if there is none."""
        if (value := self._values.get(key)) is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V, size: int) -> bool:
        """Add a value that takes `size` bytes together with its key; return whether it is cached."""
        self.drop(key)
        self._values[key], self._sizes[key] = value, 0
        return self.weigh(key, size)

    def weigh(self, key: K, size: int) -> bool:
        """Set the size in bytes of the value of a key; return whether it is still cached."""
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
        """Remove the value of a key, if there is one."""
        if self._values.pop(key, None) is not None:
            self.bytes -= self._sizes.pop(key)
