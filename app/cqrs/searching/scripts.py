"""Scripts that are written without spaces between words: their texts are cut into overlapping pieces."""

import re
from collections.abc import Iterator

_IDEOGRAPHS_AND_KANA = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_THAI_LAO_MYANMAR_KHMER = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\uaa60-\uaa7f"

_RUNS = re.compile(
    f"(?P<short>[{_IDEOGRAPHS_AND_KANA}]+)|(?P<long>[{_THAI_LAO_MYANMAR_KHMER}]+)"
    f"|[^{_IDEOGRAPHS_AND_KANA}{_THAI_LAO_MYANMAR_KHMER}]+"
)

SHORT, LONG = 2, 4
"""Characters of a piece: an ideograph says as much as several letters of an alphabet."""


def pieces_written(word: str) -> Iterator[str]:
    """Yield the pieces of a document's word: one from each character on, or the word itself.

    A text of such a script is then found from the middle by the beginning of a piece.
    """
    for run, length in _runs(word):
        yield from [run[at : at + length] for at in range(len(run))] if length else [run]


def pieces_asked(word: str) -> Iterator[str]:
    """Yield the pieces that a document must have for a word of a search."""
    for run, length in _runs(word):
        if length:
            yield from [run[at : at + length] for at in range(max(1, len(run) - length + 1))]
        else:
            yield run


def _runs(word: str) -> Iterator[tuple[str, int]]:
    """Yield the runs of a word in one kind of script, each with the length of its pieces; 0 for no pieces."""
    if word.isascii():
        yield word, 0
        return
    for run in _RUNS.finditer(word):
        yield run[0], SHORT if run["short"] else LONG if run["long"] else 0
