"""The choice of what is traced, which is made before anything else is done for a trace."""

import re
from math import log
from random import random
from sys import maxsize

_PLACE = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")

LENGTH = 55
"""Characters of a place in a trace, in the version of W3C's format that is written."""

_IDS = 1 << 64
"""The number of values that the part of a trace's id has which decides by chance."""


def place_in(given: bytes | str | None) -> str | None:
    """Return the place in a trace that a `traceparent` names; `None` if it is missing or invalid."""
    if not given:
        return None
    text = (given if isinstance(given, str) else given.decode("latin-1")).strip()
    found = _PLACE.fullmatch(text)
    if found is None or (found[1] and text.startswith("00")):
        return None
    return text[:LENGTH]


def trace_of(place: str) -> str:
    """Return the id of the trace in which a place is."""
    return place[3:35]


def span_of(place: str) -> str:
    """Return the id of the span at a place."""
    return place[36:52]


class Sampler:
    """The rule by which a part of all operations is traced: by chance, or as the caller has decided."""

    def __init__(self, *, share: float, follows_caller: bool) -> None:
        """Trace this share of the operations, from 0 to 1; a caller's decision precedes if it is followed."""
        self._share = share
        self._below = round(share * _IDS)
        self._follows_caller = follows_caller

    def gap(self) -> int:
        """Return how many operations without a caller come up to the next one to trace, which is counted.

        These numbers are distributed as if each operation were chosen by chance, and cost less.
        """
        if self._share >= 1:
            return 1
        if not self._share:
            return maxsize
        return int(log(1 - random()) / log(1 - self._share)) + 1  # noqa: S311 - no secret

    def samples(self, place: str | None) -> bool:
        """Return whether to trace an operation, which may come from a place in a trace."""
        if place is None:
            return random() < self._share  # noqa: S311 - no secret
        if self._follows_caller:
            return int(place[53:], 16) & 1 == 1
        return int(place[19:35], 16) < self._below
