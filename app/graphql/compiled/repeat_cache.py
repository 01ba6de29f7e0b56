"""A bounded cache of values that are made of an operation at its second request."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from app.cqrs.memory.bounded_cache import BoundedCache


class Sized(Protocol):
    """A value with a known size."""

    @property
    def size(self) -> int:
        """The approximate size in bytes, which may grow."""


T = TypeVar("T", bound=Sized)

Key = tuple[str, str | None]
"""An operation: a text, and the name of the operation in it."""


class RepeatCache(Generic[T]):
    """A cache that makes a value of an operation at its second request.

    It holds at most `most` values of `most_bytes` together, and drops the least recently used ones. Of an
    operation that was requested once, or whose value is larger than `most_bytes`, it holds only a hash.
    """

    def __init__(
        self, make: Callable[[str, str | None], Awaitable[T]], *, most: int, most_bytes: int
    ) -> None:
        self._make = make
        self._most_seen = 10 * most
        self._seen_once: OrderedDict[int, None] = OrderedDict()
        self._too_large: OrderedDict[int, None] = OrderedDict()
        self._kept: BoundedCache[Key, T] = BoundedCache(most_bytes, most)

    async def get(self, text: str, name: str | None) -> T | None:
        """Return the value of the operation; `None` at its first request, or if the value is too large.

        While the value is made, other requests for it count as first requests.
        """
        key = text, name
        if (thing := self._kept.get(key)) is not None:
            return thing
        mark = hash(key)
        if mark in self._too_large or not self._seen_before(mark):
            return None
        thing = await self._make(text, name)
        if not self._kept.put(key, thing, thing.size):
            self._note(self._too_large, mark)
        return thing

    def weigh(self, text: str, name: str | None) -> None:
        """Count a value's size again, and drop the least recently used values if they take too much."""
        key = text, name
        if (thing := self._kept.get(key)) and not self._kept.weigh(key, thing.size):
            self._note(self._too_large, hash(key))

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """The bytes of all cached values."""
        return self._kept.bytes

    def _seen_before(self, mark: int) -> bool:
        if mark in self._seen_once:
            del self._seen_once[mark]
            return True
        self._note(self._seen_once, mark)
        return False

    def _note(self, marks: OrderedDict[int, None], mark: int) -> None:
        marks[mark] = None
        if len(marks) > self._most_seen:
            marks.popitem(last=False)
