"""Differences between the documents of two generations, as an operator reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

NAMED = 10
"""Differing documents that a report names; it counts all."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A document that differs. Its values are left out, because they may be personal data."""

    collection: str
    id: str
    paths: Sequence[str] = ()
    """The paths whose values differ; empty if only one generation has the document."""
    is_missing: bool = False
    """True if the new documents lack it."""
    is_surplus: bool = False
    """True if only the new documents have it."""

    def __str__(self) -> str:
        document = f"{self.collection}/{self.id}"
        if self.is_missing:
            return f"{document} is missing in the new documents"
        if self.is_surplus:
            return f"{document} is only in the new documents"
        return f"{document} differs in {', '.join(self.paths)}"


@dataclass
class Report:
    """The result of a comparison."""

    compared: int = 0
    """The number of documents, each counted once."""
    differing: int = 0
    first: list[Difference] = field(default_factory=list)
    """The first differences, at most `NAMED`."""
    problem: str | None = None
    """The reason for which not all documents were compared, a clause; `None` if they were."""

    @property
    def is_clean(self) -> bool:
        """True if all documents were compared, and are equal."""
        return not self.differing and self.problem is None

    def add(self, difference: Difference) -> None:
        """Count a difference."""
        self.differing += 1
        if len(self.first) < NAMED:
            self.first.append(difference)

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        named = "; ".join(map(str, self.first))
        more = self.differing - len(self.first)
        return (
            f"{self.differing:,} of {self.compared:,} documents differ: {named}"
            f"{f'; and {more:,} more' if more else ''}"
        )


class Comparison(Protocol):
    """A comparison of two generations at one moment, whatever is written to them since."""

    async def report(self) -> Report:
        """Compare document by document, and end the comparison."""

    def close(self) -> None:
        """End the comparison, also one that is under way; do nothing if it has ended."""
