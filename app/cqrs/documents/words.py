"""Words of documents for searches: an index over a document's list of words answers a search."""

import re
import unicodedata
from collections.abc import Iterator

from app.cqrs.documents.read_model import Filter

_WORD = re.compile(r"[^\s+#]+[+#]*")


def folded(text: str) -> str:
    """Return `text` in lower case and without accents, for sorting and searching."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def words(*texts: str | None) -> list[str]:
    """Return the words of all `texts`, folded, deduplicated and sorted.

    A word is a run of letters, digits and vowel signs with trailing `+` and `#`, such as `c++`; or a single
    symbol, such as `★` or `😀`. Punctuation separates words and belongs to none.
    """
    letters = folded(" ".join(text for text in texts if text))
    return sorted(set(_WORD.findall("".join(_spaced(letters)))))


def found_by(search: str, path: str = "words") -> list[Filter]:
    """Return a filter for each word of `search`: a word in the document's list at `path` begins with it.

    A search without any word, such as `!!!`, finds nothing.
    """
    return [{path: {"$regex": f"^{re.escape(word)}"}} for word in words(search)] or [{"_id": {"$in": []}}]


def _spaced(text: str) -> Iterator[str]:
    """Yield the characters of the words in `text`, with spaces between the words."""
    in_word = False
    for character in text:
        if character.isalnum() or character in "+#":
            in_word = True
            yield character
            continue
        match unicodedata.category(character):
            case "Mn" | "Mc" | "Me":  # A vowel sign of an Indic script, or a variation selector of a symbol.
                if in_word:
                    yield character
                continue
            case "So":
                yield f" {character} "
            case _:
                yield " "
        in_word = False
