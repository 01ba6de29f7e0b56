"""Typing errors of one letter: two spellings that share a variant differ by at most one letter.

A variant of a word is the word itself, or the word without one letter. A letter that is missing, added,
wrong or in another place leaves one variant that both spellings have. An index over variants finds one by
the other.
"""

from collections.abc import Iterable

SHORTEST, LONGEST = 5, 24
"""Letters of the words in which an error is forgiven; in shorter ones it makes another word."""

MOST_WORDS = 60
"""Words of a document that are found in spite of a typing error: the first of them."""

TITLE = " "
"""The mark of a variant whose word stands in the document's title."""


def forgives(word: str) -> bool:
    """Return whether a word of a search may be a misspelt word; a code with digits never is."""
    return SHORTEST - 1 <= len(word) <= LONGEST + 1 and word.isalpha()


def variants(word: str) -> list[str]:
    """Return the variants of a word: without any letter, itself alone if it is too short to lose one."""
    if len(word) < SHORTEST:
        return [word]
    return [word, *dict.fromkeys(word[:at] + word[at + 1 :] for at in range(len(word)))]


def are_near(asked: str, word: str) -> bool:
    """Return whether a word of a search may be a misspelling of a document's word."""
    if not (forgives(asked) and word.isalpha() and SHORTEST <= len(word) <= LONGEST):
        return False
    return abs(len(asked) - len(word)) <= 1 and not set(variants(asked)).isdisjoint(variants(word))


def variants_written(title: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return the variants of a document's words, sorted; those of its title are marked."""
    of_title = [word for word in title if word.isalpha() and SHORTEST <= len(word) <= LONGEST]
    taken = set(of_title)
    rest = [
        word for word in others if word.isalpha() and SHORTEST <= len(word) <= LONGEST and word not in taken
    ]
    marked = {each + TITLE for word in of_title[:MOST_WORDS] for each in variants(word)}
    plain = {each for word in rest[: max(0, MOST_WORDS - len(of_title))] for each in variants(word)}
    return sorted(marked | plain)


def variants_asked(word: str, *, title: bool = False) -> list[str]:
    """Return the variants of which a document must have one, in its title or anywhere."""
    asked = variants(word)
    marked = [each + TITLE for each in asked]
    return marked if title else [*asked, *marked]
