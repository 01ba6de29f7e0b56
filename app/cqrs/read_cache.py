"""What was read is kept until it is about to change, so that nobody is answered with what was before.

A projector says `changing` before its transaction begins, and `changed` when it is through. In between the
documents may show either state: what is about to change has been forgotten, and nothing that is read of the
read model meanwhile is kept. So what is kept is what a find would give at the same moment, as long as nobody
but the projectors of this process changes the documents.
"""

import math
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from app.cqrs.read_model import Change

PER_ENTRY = 600
"""Bytes that an entry takes beside its key and value."""


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer was made of: a document, or, without an id, whatever a collection holds."""

    read_model: str
    collection: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was read, and what of."""

    value: Any
    sources: frozenset[Source]
    bytes: int


class ReadCache:
    """Answers by key, within `capacity` bytes: those that were not asked for the longest go first.

    A key has all that the answer depends on beside the documents, so also who may see what.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.bytes = 0
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._keys: defaultdict[str, dict[str | None, set[Hashable]]] = defaultdict(dict)
        """For each collection, and each document or the whole, the keys of the answers made of it."""
        self._moment = 0
        self._changed: defaultdict[str, float] = defaultdict(lambda: math.inf)
        """When each read model last changed; without end while it does, and until it is first `settled`."""

    def __len__(self) -> int:
        return len(self._entries)

    def mark(self) -> int:
        """The moment, in the count of changes: to be noted before the first read of what is to be kept."""
        return self._moment

    def get(self, key: Hashable) -> Entry | None:
        """What was kept, if it is what the documents show."""
        if entry := self._entries.get(key):
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Hashable, value: Any, *, size: int, sources: Iterable[Source], since: int) -> None:
        """Keeps what was read after the mark `since`, unless what it was read from has changed.

        `size` is that of key and value, in bytes.
        """
        entry = Entry(value, frozenset(sources), size + PER_ENTRY)
        if entry.bytes > self.capacity or any(self._changed[of.read_model] > since for of in entry.sources):
            return
        self._drop(key)
        self._entries[key] = entry
        self.bytes += entry.bytes
        for source in entry.sources:
            self._keys[source.collection].setdefault(source.id, set()).add(key)
        while self.bytes > self.capacity:
            self._drop(next(iter(self._entries)))

    def changing(self, read_model: str, changes: Iterable[Change]) -> None:
        """From now on the documents may show `changes`: forgets what does not."""
        self._moment += 1
        self._changed[read_model] = math.inf
        for change in changes:
            keys = self._keys[change.collection.name]
            concerned = [None, change.id] if change.where is None else [*keys]
            for key in [key for id in concerned for key in keys.get(id, ())]:
                self._drop(key)

    def changed(self, read_model: str) -> None:
        """The documents show all that they were about to show."""
        self._moment += 1
        self._changed[read_model] = self._moment

    def settled(self, read_model: str) -> None:
        """Nothing is under way, and what others did before is not known: forgets all of the read model."""
        for key in [key for key, entry in self._entries.items() if _is_of(entry, read_model)]:
            self._drop(key)
        self.changed(read_model)

    def _drop(self, key: Hashable) -> None:
        if entry := self._entries.pop(key, None):
            self.bytes -= entry.bytes
            for source in entry.sources:
                keys = self._keys[source.collection]
                keys[source.id].discard(key)
                if not keys[source.id]:
                    del keys[source.id]


def _is_of(entry: Entry, read_model: str) -> bool:
    return any(source.read_model == read_model for source in entry.sources)
