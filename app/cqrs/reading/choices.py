"""The answers that show what was chosen from a collection, found by the changes that may choose otherwise."""

from collections import defaultdict
from collections.abc import Hashable

from app.cqrs.documents.read_model import Change
from app.cqrs.reading.sources import Choice, overlap, text_at, touched

Keys = set[Hashable]


class Choices:
    """Keys of answers by how their documents were chosen: a change looks at kinds of choices, not at each."""

    def __init__(self) -> None:
        self._by_paths: defaultdict[frozenset[str] | None, Keys] = defaultdict(set)
        self._by_text: defaultdict[str, defaultdict[str, Keys]] = defaultdict(lambda: defaultdict(set))
        self._by_other: Keys = set()
        """Those that go by no text."""

    def __len__(self) -> int:
        return len(self.all)

    @property
    def all(self) -> Keys:
        """The keys of all answers."""
        return {key for keys in self._by_paths.values() for key in keys}

    def add(self, choice: Choice, key: Hashable) -> None:
        """Another answer."""
        self._by_paths[choice.paths].add(key)
        if choice.text is None:
            self._by_other.add(key)
        else:
            path, texts = choice.text
            for text in texts:
                self._by_text[path][text].add(key)

    def discard(self, choice: Choice, key: Hashable) -> None:
        """The answer is no more."""
        self._by_paths[choice.paths].discard(key)
        if not self._by_paths[choice.paths]:
            del self._by_paths[choice.paths]
        self._by_other.discard(key)
        path, texts = choice.text or ("", ())
        for text in texts:
            self._by_text[path][text].discard(key)
            if not self._by_text[path][text]:
                del self._by_text[path][text]

    def concerned(self, change: Change) -> Keys:
        """The answers to which a change of a document that they do not show may add it, or another."""
        if change.delete:
            return self.all
        found: Keys = set()
        if change.document is not None:
            found |= self._by_other
            for path, by_text in self._by_text.items():
                text = text_at(change.document, path)
                found = found.union(*(by_text.values() if text is None else [by_text.get(text, ())]))
            return found
        written = touched(change)
        for paths, keys in self._by_paths.items():
            if paths is None or change.upsert or overlap(paths, written):
                found |= keys
        return found
