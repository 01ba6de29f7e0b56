"""What was seen more than once is kept ready, within bounds."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from app.graphql.admission.kept import Kept


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

    At most `most` things are kept, of `most_bytes` in all; of what was seen once, or takes more than that by
    itself, no more than a hash.
    """

    def __init__(
        self, make: Callable[[str, str | None], Awaitable[T]], *, most: int, most_bytes: int
    ) -> None:
        self._make = make
        self._most_seen = 10 * most
        self._seen_once: OrderedDict[int, None] = OrderedDict()
        self._too_large: OrderedDict[int, None] = OrderedDict()
        self._kept: Kept[Key, T] = Kept(most_bytes, most)

    async def get(self, text: str, name: str | None) -> T | None:
        """What was made of the operation; `None` at first sight, and of what is too large to be kept.

        While it is made, it counts as seen once for those who ask for the same.
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
        """Drops what was not used the longest, if there is too much; to be called when a thing has grown."""
        key = text, name
        if (thing := self._kept.get(key)) and not self._kept.weigh(key, thing.size):
            self._note(self._too_large, hash(key))

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """Of all things that are kept."""
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
