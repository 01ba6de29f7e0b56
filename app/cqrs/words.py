"""The words that documents are found by: an index over a list of them answers a search."""

import unicodedata

from app.cqrs.read_model import Filter


def folded(text: str) -> str:
    """`text` in lower case and without accents, as people sort and search."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def words(*texts: str | None) -> list[str]:
    """The words of all `texts`, folded, each once and sorted."""
    letters = folded(" ".join(text for text in texts if text))
    return sorted(set("".join(letter if letter.isalnum() else " " for letter in letters).split()))


def found_by(search: str, path: str = "words") -> list[Filter]:
    """A filter for each word of `search`, which a word in the documents' list at `path` must begin with."""
    return [{path: {"$regex": f"^{word}"}} for word in words(search)]
