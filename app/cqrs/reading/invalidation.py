"""The rule by which a change makes answers stale, for one answer or for very many."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Sequence

from app.cqrs.documents.read_model import Change
from app.cqrs.reading.sources import Choice, Source, overlap, texts_after, texts_at, touched

Keys = set[Hashable]


class InvalidationIndex:
    """An index from changes to the keys of the answers that they make stale.

    A change is looked up by the documents that it affects, and by the few kinds of choices. It is never
    compared with each answer.
    """

    def __init__(self) -> None:
        self._by_id: defaultdict[str, dict[str, Keys]] = defaultdict(dict)
        """The answers that show a document, by collection and id."""
        self._choices: defaultdict[str, _AnswersByChoice] = defaultdict(_AnswersByChoice)
        """The answers that show chosen documents, by collection."""

    def add(self, key: Hashable, sources: Sequence[Source]) -> None:
        """Add an answer that depends on `sources`."""
        for source in sources:
            by_id = self._by_id[source.collection.name]
            for id in source.ids:
                by_id.setdefault(id, set()).add(key)
            if source.choice:
                self._choices[source.collection.name].add(source.choice, key)

    def discard(self, key: Hashable, sources: Sequence[Source]) -> None:
        """Remove an answer, with the sources that it was added with."""
        for source in sources:
            if source.choice:
                self._choices[source.collection.name].discard(source.choice, key)
            by_id = self._by_id[source.collection.name]
            for id in source.ids:
                if keys := by_id.get(id):
                    keys.discard(key)
                    if not keys:
                        del by_id[id]

    def replace(self, key: Hashable, sources: Sequence[Source], by: Sequence[Source]) -> None:
        """Have an answer depend on other sources, which often name the same choice and documents."""
        if len(sources) == len(by) == 1 and sources[0].collection is by[0].collection:
            [before], [after] = sources, by
            if before.choice == after.choice:
                gone, new = {*before.ids}, {*after.ids}
                if gone == new:
                    return
                self.discard(key, [Source(before.collection, [*gone - new])])
                self.add(key, [Source(after.collection, [*new - gone])])
                return
        self.discard(key, sources)
        self.add(key, by)

    def stale_after(self, change: Change, ids: Collection[str] | None) -> Keys:
        """Return the keys of the answers that a change of these documents may make stale.

        `ids` is `None` if the change may affect any document of the collection.
        """
        name = change.collection.name
        by_id, choices = self._by_id.get(name, {}), self._choices.get(name)
        if ids is None:
            return (choices.all if choices else set()).union(*by_id.values())
        found = choices.stale_after(change) if choices else set()
        return found.union(*(by_id[id] for id in by_id.keys() & ids))


class _AnswersByChoice:
    """The answers that show chosen documents of one collection, by their choice."""

    def __init__(self) -> None:
        self._by_paths: defaultdict[tuple[frozenset[str] | None, str | None], Keys] = defaultdict(set)
        """The answers by the paths that decide their choice, and the one at which they require a text."""
        self._by_text: defaultdict[str, defaultdict[str, Keys]] = defaultdict(lambda: defaultdict(set))
        self._without_text: Keys = set()

    @property
    def all(self) -> Keys:
        """The keys of all answers."""
        return {key for keys in self._by_paths.values() for key in keys}

    def add(self, choice: Choice, key: Hashable) -> None:
        path, texts = choice.text or (None, ())
        self._by_paths[choice.paths, path].add(key)
        if path is None:
            self._without_text.add(key)
        else:
            for text in texts:
                self._by_text[path][text].add(key)

    def discard(self, choice: Choice, key: Hashable) -> None:
        path, texts = choice.text or (None, ())
        self._by_paths[choice.paths, path].discard(key)
        if not self._by_paths[choice.paths, path]:
            del self._by_paths[choice.paths, path]
        if path is None:
            self._without_text.discard(key)
        else:
            for text in texts:
                self._by_text[path][text].discard(key)
                if not self._by_text[path][text]:
                    del self._by_text[path][text]

    def stale_after(self, change: Change) -> Keys:
        """Return the answers to which a change may add a document that they do not show, or reorder them."""
        if change.delete:  # The removed document may have been chosen.
            return self.all
        found: Keys = set()
        if change.document is not None:
            found |= self._without_text
            for path, by_text in self._by_text.items():
                texts = texts_at(change.document, path)
                found = found.union(
                    *(by_text.values() if texts is None else [by_text.get(text, ()) for text in texts])
                )
            return found
        written, after = touched(change), texts_after(change)
        for (paths, text_at), keys in self._by_paths.items():
            if paths is None or change.upsert or overlap(paths, written):
                known = after.get(text_at) if text_at else None
                found |= keys if text_at is None or known is None else keys & self._with(text_at, known)
        return found

    def _with(self, path: str, texts: Sequence[str]) -> Keys:
        """Return the answers that show only documents with one of these texts, and maybe others."""
        return set[Hashable]().union(*(self._by_text[path].get(text, ()) for text in texts))
