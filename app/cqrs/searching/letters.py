"""Folding of letters: spellings that readers take for the same become the same text."""

import unicodedata

_FOLDED = {
    ord(letter): plain
    for letter, plain in {
        "æ": "ae", "ǽ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ø": "o", "ɔ": "o", "ɵ": "o",
        "đ": "d", "ð": "d", "ɖ": "d", "ɗ": "d", "ł": "l", "ƚ": "l", "ħ": "h", "\u0131": "i", "ɨ": "i",
        "ŧ": "t", "ŋ": "n", "ɲ": "n", "ĸ": "k", "ƙ": "k", "ƀ": "b", "ɓ": "b", "ə": "e", "ɛ": "e",
        "ɠ": "g", "ǥ": "g", "ƶ": "z", "ʉ": "u", "ƴ": "y",
    }.items()
}  # fmt: skip
"""Letters that Unicode does not decompose, each with the letters that people type in its place."""


def folded(text: str) -> str:
    """Return `text` in lower case, without accents and in plain letters, for sorting and searching."""
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_FOLDED)
    if decomposed.isascii():
        return decomposed
    return "".join(character for character in decomposed if not unicodedata.combining(character))
