"""Whether a figure that was looked at again and again still grows in the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression


@dataclass(frozen=True)
class Trend:
    """A line through the second half of some samples."""

    first: float
    """The first sample of all."""
    middle: float
    """Where the line begins."""
    last: float
    """Where the line ends."""
    growth: float
    """How much the line rises."""


def trend(samples: Sequence[tuple[float, float]]) -> Trend:
    """Return the trend of pairs of a time and a figure, of which the second half has at least three."""
    half = samples[len(samples) // 2 :]
    if len(half) < 3:
        raise ValueError(f"{len(samples)} samples are too few to see a trend in; there must be five or more")
    slope, at_zero = linear_regression(*zip(*half, strict=True))
    middle, last = (at_zero + slope * half[end][0] for end in (0, -1))
    return Trend(samples[0][1], middle, last, last - middle)
