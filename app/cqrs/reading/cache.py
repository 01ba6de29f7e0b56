"""Answers are kept until what they show is about to change, so that nobody is answered with what was before.

A projector says `changing` before its transaction begins, and `changed` when it is through. In between the
documents may show either state: what is about to change has been forgotten, and what is read meanwhile is
kept only if the change does not concern it. So what is kept is what a find would give at the same moment, as
long as nobody but the projectors of this process changes the documents.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from sys import getsizeof
from typing import Any

from app.cqrs.documents.read_model import Change
from app.cqrs.reading.choices import Choices
from app.cqrs.reading.recent_changes import Concerned, RecentChanges
from app.cqrs.reading.sources import Source

PER_ENTRY, PER_SOURCE, PER_TEXT = 600, 400, 350
"""Bytes that an entry takes beside its key and value, for each of its sources, and for each id and text by
which changes find it: a set of keys in a dictionary, beside the id or text itself.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was read, and what of."""

    value: Any
    sources: tuple[Source, ...]
    read_models: tuple[str, ...]
    """Those that were looked at, in order; a source's is one of them."""
    bytes: int


def bytes_of_source(source: Source) -> int:
    """Return the bytes that it takes to find an entry by the changes of one of its sources."""
    texts = source.choice.text[1] if source.choice and source.choice.text else ()
    found_by = len(source.ids) + len(texts)
    return PER_SOURCE + PER_TEXT * found_by + sum(map(getsizeof, source.ids)) + sum(map(getsizeof, texts))


class ReadCache:
    """Answers by key, within `capacity` bytes: those that were not asked for the longest go first.

    A key has all that the answer depends on beside the documents, so also who may see what.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.bytes = 0
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._by_id: defaultdict[str, dict[str, set[Hashable]]] = defaultdict(dict)
        """For each collection and document, the keys of the answers that show it."""
        self._choices: defaultdict[str, Choices] = defaultdict(Choices)
        """For each collection, the answers that show what was chosen from it."""
        self._moment = 0
        self._recent: defaultdict[str, RecentChanges] = defaultdict(RecentChanges)
        """By read model; nothing is known of one until it is first `settled`."""

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
        """Keeps what was read after the mark `since`, unless that may show what was before a change.

        `size` is that of key and value, in bytes.
        """
        room = size + PER_ENTRY + sum(map(bytes_of_source, sources))
        if room > self.capacity or any(
            self._recent[name].may_concern(sources, since) for name in read_models
        ):
            return
        self._drop(key)
        self._entries[key] = Entry(value, tuple(sources), tuple(read_models), room)
        self.bytes += room
        for source in sources:
            by_id = self._by_id[source.collection.name]
            for id in source.ids:
                by_id.setdefault(id, set()).add(key)
            if source.choice:
                self._choices[source.collection.name].add(source.choice, key)
        while self.bytes > self.capacity:
            self._drop(next(iter(self._entries)))

    def changing(self, read_model: str, changes: Sequence[Concerned]) -> None:
        """From now on the documents may show `changes`: forgets what does not."""
        if not self.capacity:
            return
        self._moment += 1
        self._recent[read_model].begin(changes)
        for change, ids in changes:
            for key in self._concerned(change, ids):
                self._drop(key)

    def changed(self, read_model: str) -> None:
        """The documents show all that they were about to show."""
        self._moment += 1
        self._recent[read_model].end(self._moment)

    def settled(self, read_model: str) -> None:
        """Nothing is under way, and what others did before is not known: forgets all of the read model."""
        for key in [key for key, entry in self._entries.items() if read_model in entry.read_models]:
            self._drop(key)
        self._moment += 1
        self._recent[read_model].settle(self._moment)

    def _concerned(self, change: Change, ids: Collection[str] | None) -> set[Hashable]:
        """The keys of the answers that may not be what they were once the change is made."""
        by_id, choices = self._by_id[change.collection.name], self._choices[change.collection.name]
        if ids is None:
            return choices.all.union(*by_id.values())
        return choices.concerned(change).union(*(by_id[id] for id in by_id.keys() & ids))

    def _drop(self, key: Hashable) -> None:
        if entry := self._entries.pop(key, None):
            self.bytes -= entry.bytes
            for source in entry.sources:
                if source.choice:
                    self._choices[source.collection.name].discard(source.choice, key)
                by_id = self._by_id[source.collection.name]
                for id in source.ids:
                    if keys := by_id.get(id):
                        keys.discard(key)
                        if not keys:
                            del by_id[id]
