"""The keys by which searches find a document: its words, its terms by rank, and variants of its words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.cqrs.searching.typing_errors import variants_written
from app.cqrs.searching.words import digits_of, endings, squeezed, words

EXACT, WHOLE = "=", " "
"""The marks of two kinds of terms: before a whole code, and after a whole word of the title."""

LONGEST_BEGINNING = 10
"""Letters of the longest beginning among the terms; few words share a longer one."""

SEARCH_INDEXES: Sequence[Sequence[str]] = tuple(
    (path, "sort_name", "_id") for path in ("words", "terms", "near")
)
"""The indexes of a collection whose documents have `search_entries` and are sorted by `sort_name`."""

NOT_FOUND: Mapping[str, Any] = {"words": [], "terms": [], "near": []}
"""The entries of a document that no search finds."""


def search_entries(
    *,
    codes: Iterable[str | None] = (),
    title: Iterable[str | None] = (),
    others: Iterable[str | None] = (),
    numbers: Iterable[str | None] = (),
) -> dict[str, Any]:
    """Return the keys of a document by which searches find it.

    `codes` identify the document, such as an SKU, and are found first; `title` has the texts that are found
    before `others`. `numbers` are telephone numbers, which are found from any digit on.
    """
    codes, numbers = [code for code in codes if code], [number for number in numbers if number]
    title, others = list(title), [*others, *codes, *numbers]
    of_title, whole_codes = words(*title), [squeezed(code) for code in codes]
    rest = words(*others)
    return {
        "words": sorted(
            {*of_title, *rest, *whole_codes, *(end for each in numbers for end in endings(each))}
        ),
        "terms": sorted(_terms(of_title, [*whole_codes, *map(digits_of, numbers)])),
        "near": variants_written(of_title, rest),
    }


def _terms(title: Iterable[str], codes: Iterable[str]) -> set[str]:
    beginnings = {
        word[:length] for word in title for length in range(1, min(len(word), LONGEST_BEGINNING) + 1)
    }
    return beginnings | {word + WHOLE for word in title} | {EXACT + code for code in codes if code}
