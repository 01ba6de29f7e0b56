"""The lists that are followed, and the rule by which a change concerns few of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from app.cqrs.documents.read_model import Change
from app.cqrs.lists.entering import may_enter
from app.cqrs.lists.states import LiveList
from app.cqrs.reading.invalidation import InvalidationIndex
from app.cqrs.reading.recent_changes import ChangeWithIds
from app.cqrs.reading.sources import Source


class ConcernedLists:
    """The lists that are followed; each change has those read again that it concerns.

    The rule is that of cached answers. A change that can't concern a list costs it nothing.
    """

    def __init__(self) -> None:
        self._lists: defaultdict[str, set[LiveList]] = defaultdict(set)
        """The lists, by read model."""
        self._index = InvalidationIndex()
        self._being_read: set[LiveList] = set()
        self._under_way: dict[str, Sequence[ChangeWithIds]] = {}
        """The changes of the transaction under way, by read model."""
        self._concerned: defaultdict[str, set[LiveList]] = defaultdict(set)
        """The lists that the transaction under way concerns, by read model."""

    def follow(self, read_model: str) -> bool:
        """Return whether anybody follows a list of this read model."""
        return bool(self._lists[read_model])

    def add(self, live: LiveList) -> None:
        """Add a list, which was not read yet."""
        self._lists[live.collection.read_model].add(live)

    def discard(self, live: LiveList) -> None:
        """Remove a list."""
        name = live.collection.read_model
        self._index.discard(live, live.sources)
        live.sources = ()
        for lists in (self._lists[name], self._concerned[name], self._being_read):
            lists.discard(live)

    def begin(self, live: LiveList) -> None:
        """Record that a read of the list begins, which may show the changes under way and all before."""
        live.stale = False
        live.met = [*self._under_way.get(live.collection.read_model, ())]
        self._being_read.add(live)

    def end(self, live: LiveList, sources: Sequence[Source]) -> None:
        """Record that the read has ended, and the sources of the page.

        A change since its beginning may be in the page or not: if it concerns the list, that is read again.
        """
        name = live.collection.read_model
        met, live.met = live.met or [], None
        self._being_read.discard(live)
        if live not in self._lists[name]:
            return
        self._index.discard(live, live.sources)
        live.sources = sources
        self._index.add(live, sources)
        under_way = {id(change) for change, _ in self._under_way.get(name, ())}
        if any(id(change) not in under_way for change, _ in _concerning(live, met)):
            live.stale = True
        elif met:  # The transaction under way may be invisible until it ends.
            self._concerned[name].update([live] if any(_concerning(live, met)) else [])

    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        """Record that the documents may show these changes from now on."""
        self._under_way[read_model] = changes
        for live in self._being_read:
            if live.collection.read_model == read_model and live.met is not None:
                live.met += changes
        for change, ids in changes:
            found = cast("set[LiveList]", self._index.stale_after(change, ids))
            self._concerned[read_model] |= {live for live in found if _may_concern(live, change)}

    def changed(self, read_model: str) -> None:
        """Have the lists read again that the last `changing` concerns: the documents show all of it."""
        self._under_way.pop(read_model, None)
        for live in self._concerned.pop(read_model, ()):
            live.has_changed()

    def refused(self, read_model: str) -> None:
        """Record that the documents show nothing of the last `changing`."""
        self._under_way.pop(read_model, None)
        self._concerned.pop(read_model, None)

    def settled(self, read_model: str, *, gapless: bool, log_set_back: bool) -> None:
        """Record that no transaction is under way.

        Unless all changes were announced (`gapless`), each list is read again.
        """
        self.changed(read_model)
        if not gapless:
            for live in [*self._lists[read_model]]:
                live.was_rebuilt(log_set_back=log_set_back)


def _may_concern(live: LiveList, change: Change) -> bool:
    """Return whether a change, which the index has found, may concern a list."""
    if change.document is None or live.stale or live.reading or live.newest is None:
        return True
    if any(change.id in source.ids for source in live.sources):
        return True
    return may_enter(live.listing, live.newest.page, {**change.document, "_id": change.id})


def _concerning(live: LiveList, changes: Iterable[ChangeWithIds]) -> Iterator[ChangeWithIds]:
    """Yield the changes that concern a list."""
    alone = InvalidationIndex()
    alone.add(live, live.sources)
    return (each for each in changes if alone.stale_after(*each))
