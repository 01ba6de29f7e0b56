"""The lists that are followed, and the rule by which a change concerns few of them."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from typing import cast

from app.cqrs.documents.read_model import Change
from app.cqrs.lists.entering import may_enter
from app.cqrs.lists.states import LiveList
from app.cqrs.reading.invalidation import InvalidationIndex
from app.cqrs.reading.recent_changes import ChangeWithIds
from app.cqrs.reading.sources import Source

Concerned = dict[LiveList, set[str] | None]
"""Lists, each with the changed documents that concern it; `None` if these are not known."""


class ConcernedLists:
    """The lists that are followed; each change has those read again that it concerns.

    The rule is that of cached answers. A change that can't concern a list costs it nothing.
    """

    def __init__(self) -> None:
        self._lists: defaultdict[str, set[LiveList]] = defaultdict(set)
        """The lists, by read model."""
        self._index = InvalidationIndex()
        self._chosen: dict[int, tuple[Change, Collection[Hashable]]] = {}
        """Changes, by their `id`, with the lists whose choice of documents each may change."""
        self._being_read: set[LiveList] = set()
        self._under_way: dict[str, Sequence[ChangeWithIds]] = {}
        """The changes of the transaction under way, by read model."""
        self._concerned: defaultdict[str, Concerned] = defaultdict(dict)
        """The lists that the transaction under way concerns, with the documents, by read model."""

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
        self._chosen.clear()
        live.sources = ()
        self._lists[name].discard(live)
        self._being_read.discard(live)
        self._concerned[name].pop(live, None)

    def under_way(self, live: LiveList) -> Sequence[ChangeWithIds]:
        """Return the changes that documents may show already, and that are not known to be shown."""
        return self._under_way.get(live.collection.read_model, ())

    def waits_for(self, live: LiveList, changes: Sequence[ChangeWithIds]) -> bool:
        """Return whether these changes are still under way, and concern the list."""
        name = live.collection.read_model
        return bool(changes) and self._under_way.get(name) is changes and live in self._concerned[name]

    def begin(self, live: LiveList) -> set[str] | None:
        """Record that a read of the list begins, which may show the changes under way and all before.

        Returns the documents to read, so that what is read of them belongs together; `None` if that is the
        whole list.
        """
        live.stale = False
        under_way = self.under_way(live)
        live.met, live.met_before = [*under_way], len(under_way)
        self._being_read.add(live)
        for ids in affected(live.collection.name, under_way):
            live.expect(ids)
        pending, live.pending = live.pending, set()
        return pending

    def is_torn(self, live: LiveList, ids: Collection[str]) -> bool:
        """Return whether one of the documents that were read may show a change since the read began.

        Others, which were not read, may show an earlier state then. The documents of such changes become
        pending, too.
        """
        since = [*affected(live.collection.name, (live.met or [])[live.met_before :])]
        if all(changed is not None and not any(id in ids for id in changed) for changed in since):
            return False
        for changed in since:
            live.expect(changed)
        return True

    def end(self, live: LiveList, sources: Sequence[Source]) -> None:
        """Record that the read has ended, and the sources of the page.

        A change since its beginning may be in the page or not: if it concerns the list, that is read again.
        """
        name = live.collection.read_model
        met, live.met = live.met or [], None
        self._being_read.discard(live)
        if live not in self._lists[name]:
            return
        if [each.choice for each in live.sources] != [each.choice for each in sources]:
            self._chosen.clear()
        self._index.replace(live, live.sources, sources)
        live.sources = sources
        if not met:
            return
        shown = {id for source in sources for id in source.ids}
        under_way = {id(change) for change, _ in self._under_way.get(name, ())}
        for change, ids in met:
            if not (ids is None or not shown.isdisjoint(ids) or live in self._choosing(change)):
                continue
            if id(change) in under_way:  # It may be invisible until the transaction ends.
                _add(self._concerned[name], live, ids)
            else:
                live.stale = True
                live.expect(ids)

    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        """Record that the documents may show these changes from now on."""
        self._under_way[read_model] = changes = _complete(changes)
        for live in self._being_read:
            if live.collection.read_model == read_model and live.met is not None:
                live.met += changes
        self._chosen.clear()
        concerned = self._concerned[read_model]
        for change, ids in changes:
            for live in cast("set[LiveList]", self._index.stale_after(change, ids)):
                if _may_concern(live, change):
                    _add(concerned, live, ids)

    def _choosing(self, change: Change) -> Collection[Hashable]:
        """Return the lists whose choice of documents a change may change."""
        found = self._chosen.get(id(change))
        if found is None:
            found = self._chosen[id(change)] = change, self._index.stale_after(change, ())
        return found[1]

    def changed(self, read_model: str) -> None:
        """Have the lists read again that the last `changing` concerns: the documents show all of it."""
        self._under_way.pop(read_model, None)
        for live, ids in self._concerned.pop(read_model, {}).items():
            live.has_changed(ids)

    def refused(self, read_model: str) -> None:
        """Record that the documents show nothing of the last `changing`."""
        self._under_way.pop(read_model, None)
        for live in self._concerned.pop(read_model, {}):
            live.tell()  # Those who have just come wait for the end of the changes.

    def settled(self, read_model: str, *, gapless: bool, log_set_back: bool) -> None:
        """Record that no transaction is under way.

        Unless all changes were announced (`gapless`), each list is read again.
        """
        self.changed(read_model)
        if not gapless:
            for live in [*self._lists[read_model]]:
                live.was_rebuilt(log_set_back=log_set_back)


def _complete(changes: Sequence[ChangeWithIds]) -> Sequence[ChangeWithIds]:
    """Return the changes of a transaction with all documents that each may affect.

    Those that meet a condition were found before the transaction, in which others may come to meet it.
    """
    if all(change.where is None for change, _ in changes):
        return changes
    by_collection = defaultdict[str, set[str]](set)
    for change, ids in changes:
        by_collection[change.collection.name].update(ids or ())
    return [
        (change, ids if change.where is None or ids is None else by_collection[change.collection.name])
        for change, ids in changes
    ]


def _may_concern(live: LiveList, change: Change) -> bool:
    """Return whether a change, which the index has found, may concern a list."""
    if change.document is None or live.stale or live.reading or live.newest is None:
        return True
    if any(change.id in source.ids for source in live.sources):
        return True
    return may_enter(live.listing, live.last, {**change.document, "_id": change.id})


def _add(concerned: Concerned, live: LiveList, ids: Collection[str] | None) -> None:
    """Record that a change of these documents concerns a list."""
    before = concerned.get(live, set())
    concerned[live] = None if ids is None or before is None else before.union(ids)


def affected(collection: str, changes: Iterable[ChangeWithIds]) -> Iterator[Collection[str] | None]:
    """Yield the documents of a collection that each change affects; `None` if they are not known."""
    return (ids for change, ids in changes if change.collection.name == collection)
