"""The cache of answers, each kept until a change makes it stale.

A projector calls `changing` before its transaction, and `changed` after it. In between the documents may show
either state: answers that the change makes stale have been dropped, and an answer that is read meanwhile is
kept only if the change does not make it stale. A kept answer therefore equals the result of a find at the
same moment, provided that only the projectors of this process change the documents.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from sys import getsizeof
from time import monotonic
from typing import Any

from app.cqrs.reading.invalidation import InvalidationIndex
from app.cqrs.reading.recent_changes import ChangeWithIds, RecentChanges
from app.cqrs.reading.sources import Source

PER_ENTRY, PER_SOURCE, PER_TEXT = 600, 400, 350
"""Bytes of an entry in addition to its key and value, of each of its sources, and of each id and text by
which changes find it: a set of keys in a dictionary, in addition to the id or text itself.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept answer, and the documents that it depends on."""

    value: Any
    sources: tuple[Source, ...]
    read_models: tuple[str, ...]
    """The read models that were read, in order; that of each source is one of them."""
    bytes: int


def bytes_of_source(source: Source) -> int:
    """Return the bytes of the index entries for one source."""
    texts = source.choice.text[1] if source.choice and source.choice.text else ()
    found_by = len(source.ids) + len(texts)
    return PER_SOURCE + PER_TEXT * found_by + sum(map(getsizeof, source.ids)) + sum(map(getsizeof, texts))


class ReadCache:
    """Answers by key, within `capacity` bytes; the least recently used are dropped first.

    A key contains all that the answer depends on besides the documents, such as the scope of the viewer.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.bytes = 0
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._index = InvalidationIndex()
        self._moment = 0
        self._recent: defaultdict[str, RecentChanges] = defaultdict(RecentChanges)
        """The recent changes, by read model; those of one are unknown until it is first `settled`."""
        self._used_until: float | None = None

    def use_until(self, time: float) -> None:
        """Use no kept answer after a time, by the monotonic clock: changes may go unheard after that.

        A process that was stopped, and goes on, looks at the clock before it answers.
        """
        self._used_until = time

    def __len__(self) -> int:
        return len(self._entries)

    def mark(self) -> int:
        """Return the current moment, counted in changes; take it before the first read of an answer."""
        return self._moment

    def get(self, key: Hashable) -> Entry | None:
        """Return the kept answer; `None` if there is none, or if it has become stale, or may have."""
        if self._used_until is not None and monotonic() > self._used_until:
            return None
        if entry := self._entries.get(key):
            self._entries.move_to_end(key)
        return entry

    def put(
        self,
        key: Hashable,
        value: Any,
        *,
        size: int,
        read_models: Iterable[str],
        sources: Sequence[Source],
        since: int,
    ) -> None:
        """Keep an answer that was read after the mark `since`, unless it may be stale by now.

        `size` is the size of key and value, in bytes.
        """
        room = size + PER_ENTRY + sum(map(bytes_of_source, sources))
        if room > self.capacity or any(
            self._recent[name].may_have_made_stale(sources, since) for name in read_models
        ):
            return
        self._drop(key)
        self._entries[key] = Entry(value, tuple(sources), tuple(read_models), room)
        self.bytes += room
        self._index.add(key, sources)
        while self.bytes > self.capacity:
            self._drop(next(iter(self._entries)))

    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        """Drop the answers that `changes` make stale, for the documents may show these from now on."""
        if not self.capacity:
            return
        self._moment += 1
        self._recent[read_model].begin(changes)
        for change, ids in changes:
            for key in self._index.stale_after(change, ids):
                self._drop(key)

    def changed(self, read_model: str) -> None:
        """Record that the documents show all changes of the last `changing`."""
        self._moment += 1
        self._recent[read_model].end(self._moment)

    def settled(self, read_model: str) -> None:
        """Drop all answers of a read model whose documents others may have changed."""
        for key in [key for key, entry in self._entries.items() if read_model in entry.read_models]:
            self._drop(key)
        self._moment += 1
        self._recent[read_model].settle(self._moment)

    def seen_early(self, read_model: str) -> None:
        """Keep no answer that is being read now: it may show a change that was not announced yet."""
        self._moment += 1
        self._recent[read_model].doubt_before(self._moment)

    def _drop(self, key: Hashable) -> None:
        if entry := self._entries.pop(key, None):
            self.bytes -= entry.bytes
            self._index.discard(key, entry.sources)
