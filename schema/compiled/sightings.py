"""What was seen more than once is kept ready, within bounds."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that takes memory."""

    @property
    def size(self) -> int:
        """In bytes, about; it may grow."""


T = TypeVar("T", bound=Sized)

Key = tuple[str, str | None]
"""An operation: its text, and its name in it."""


class Sightings(Generic[T]):
    """Makes a thing of an operation at its second sight, and keeps those that were used last.

    At most `most` things are kept, of `most_bytes` in all; of what was seen once no more than a hash.
    """

    def __init__(self, make: Callable[[str, str | None], T], *, most: int, most_bytes: int) -> None:
        self._make = make
        self._most = most
        self._most_bytes = most_bytes
        self._seen_once: OrderedDict[int, None] = OrderedDict()
        self._kept: OrderedDict[Key, T] = OrderedDict()

    def get(self, text: str, name: str | None) -> T | None:
        """What was made of the operation; `None` at first sight."""
        key = text, name
        if (thing := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return thing
        if not self._seen_before(key):
            return None
        thing = self._kept[key] = self._make(text, name)
        self.trim()
        return thing

    def trim(self) -> None:
        """Drops what was not used the longest, if there is too much; to be called when things have grown."""
        size = sum(thing.size for thing in self._kept.values())
        while self._kept and (size > self._most_bytes or len(self._kept) > self._most):
            _, dropped = self._kept.popitem(last=False)
            size -= dropped.size

    def __len__(self) -> int:
        return len(self._kept)

    def _seen_before(self, key: Key) -> bool:
        mark = hash(key)
        if mark in self._seen_once:
            del self._seen_once[mark]
            return True
        self._seen_once[mark] = None
        if len(self._seen_once) > 10 * self._most:
            self._seen_once.popitem(last=False)
        return False
