"""The fields in which a search has found a document, and their words."""

from collections.abc import Iterator, Sequence
from typing import Any

from app.cqrs.documents.read_model import Document
from app.cqrs.searching.search import Search
from app.cqrs.searching.typing_errors import are_near
from app.cqrs.searching.words import endings, squeezed, words


def matches(search: Search, document: Document) -> Iterator[tuple[str, list[str]]]:
    """Yield each field of a document with a word that the search asks for, and these words, folded."""
    for name, paths in search.fields.items():
        texts = [text for path in paths if isinstance(text := _at(document, path), str) and text]
        found = [word for word in words(*texts) if any(_asked(search, word))]
        if not found:
            found = [word for text in texts for word in _squeezed(text) if any(_asked(search, word))]
        if found:
            yield name, found


def _at(document: Document, path: str) -> Any:
    value: Any = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _squeezed(text: str) -> Sequence[str]:
    """Return the other forms of a code or number in which it is found."""
    code = [] if any(each.isspace() for each in text) else [squeezed(text)]
    number = endings(text) if text[0] in "+(" or text[0].isdecimal() else []
    return list(dict.fromkeys([*code, *number]))


def _asked(search: Search, word: str) -> Iterator[bool]:
    for asked in search.words:
        yield are_near(asked, word) if asked in search.misspelt else word.startswith(asked)
    if search.number:
        yield word.startswith(search.number)
