"""The stored state of a generation, as a node shows it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from app.cqrs.documents.read_model import Document

LOOK = 1_000
"""Milliseconds that the primary may take to be sure that it is the primary."""


class Stored(NamedTuple):
    """The checkpoint of a generation's documents."""

    origin: str | None
    """Another one after the documents were projected anew; `None` if an earlier version began them."""
    position: int

    @classmethod
    def of(cls, checkpoint: Mapping[str, Any]) -> Self:
        """Return what a stored checkpoint says."""
        return cls(checkpoint.get("origin"), int(checkpoint.get("position", 0)))

    def covers(self, other: "Stored") -> bool:
        """Return whether these documents show all that the others do."""
        return self.origin == other.origin and self.position >= other.position


def newest(database: Database[Document], key: str) -> Stored | None:
    """Return what is stored of the generation with a key; raise the driver's errors. It blocks.

    A primary that is none any more does not answer, however long it takes it to notice.
    """
    checkpoints = database["checkpoints"].with_options(read_concern=ReadConcern("linearizable"))
    found = checkpoints.find_one({"_id": key}, {"position": 1, "origin": 1}, max_time_ms=LOOK)
    return Stored.of(found) if found else None
