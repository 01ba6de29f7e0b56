"""Words of documents, and of searches for them.

A document has more words than it shows: each spelling with which somebody may look for it is one of them. A
search has only those that it must find.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from app.cqrs.searching.letters import folded
from app.cqrs.searching.scripts import pieces_asked, pieces_written

_WORD = re.compile(r"[^\s+#]+[+#]*")
_APOSTROPHES = dict.fromkeys(map(ord, "\u2019\u2018\u02bc\u201b\u2032\u00b4\u0060\uff07\u05f3"), "'")
"""Signs that people type as apostrophes, each of which becomes the plain one."""
_WITHIN = re.compile(r"(?<=\w)'(?=\w)")
_LETTER = r"[^\W\d_]"
_INITIALS = re.compile(rf"(?<!\w){_LETTER}(?:\.\s?{_LETTER})+(?!\w)\.?")
"""Initials with points, such as `J.R.R.` and `J. R. R.`."""
_SPACED_INITIALS = re.compile(rf"(?<![\w']){_LETTER}(?:[.\s]\s?{_LETTER})+(?![\w'])")
"""Initials with points or spaces, such as `J R R`."""
_NOT_A_LETTER = re.compile(r"[\W_]+")

FEWEST_DIGITS = 4
"""Digits of the shortest end of a number by which it is found."""


def words(*texts: str | None) -> list[str]:
    """Return the words of all `texts` of a document, folded, deduplicated and sorted.

    A word is a run of letters, digits and vowel signs with trailing `+` and `#`, such as `c++`; or a single
    symbol, such as `★` or `😀`. Punctuation separates words and belongs to none. What has an apostrophe, or
    is initials with points, is a word both whole and in parts. A text without spaces between its words is in
    overlapping pieces.
    """
    found: set[str] = set()
    for text in filter(None, texts):
        letters = _plain(text)
        found.update(_split(letters))
        if "'" in letters:
            found.update(_split(_WITHIN.sub("", letters)))
        found.update(_NOT_A_LETTER.sub("", each) for each in _SPACED_INITIALS.findall(letters))
    return sorted({piece for word in found for piece in pieces_written(word)})


def words_asked(search: str) -> list[str]:
    """Return the words that a search must find, deduplicated, in their order."""
    letters = _INITIALS.sub(lambda found: f" {_NOT_A_LETTER.sub('', found[0])} ", _plain(search))
    found = _split(_WITHIN.sub("", letters))
    return list(dict.fromkeys(piece for word in found for piece in pieces_asked(word)))


def squeezed(text: str | None) -> str:
    """Return the letters and digits of `text`, folded, for comparing codes whatever separates their parts."""
    return _NOT_A_LETTER.sub("", _plain(text)) if text else ""


def endings(number: str | None) -> list[str]:
    """Return the digits of a telephone number from each digit on: it is found without its first part."""
    digits = digits_of(number)
    return [digits[at:] for at in range(len(digits) - FEWEST_DIGITS + 1)]


def digits_of(number: str | None) -> str:
    """Return the digits of a telephone number, without a zero in parentheses: few dial it."""
    return "".join(
        str(unicodedata.decimal(each)) for each in folded(number or "").replace("(0)", "") if each.isdecimal()
    )


def _plain(text: str) -> str:
    return folded(text if text.isascii() and "`" not in text else text.translate(_APOSTROPHES))


def _split(letters: str) -> Iterable[str]:
    return _WORD.findall("".join(_spaced(letters)))


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
