"""The state of the search index: what it has whole is answered by it, and all else by MongoDB."""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from app.cqrs.documents.read_model import Collection
from app.cqrs.impersonal import outline
from app.stores.fts5.file import is_damage

logger = logging.getLogger(__name__)


class Completeness:
    """The positions up to which the index has each collection whole."""

    def __init__(self, mark_damaged: Callable[[], None]) -> None:
        """Begin with nothing; `mark_damaged` has the next start build the index anew."""
        self._mark_damaged = mark_damaged
        self._positions: dict[str, int] = {}
        self._losses = Counter[str]()
        self.is_damaged = False
        """True once the file was found damaged: MongoDB answers everything until the next start."""

    def position(self, collection: Collection) -> int | None:
        """Return the position that the index has reached; `None` if it may lack something."""
        return self._positions.get(collection.stored_as)

    def losses(self, collection: Collection) -> int:
        """Return the number of times that the index of a collection was found incomplete."""
        return self._losses[collection.stored_as]

    def reach(self, collection: Collection, position: int) -> None:
        """Have the index answer again: it has all changes up to this position."""
        if not self.is_damaged:
            self._positions[collection.stored_as] = position

    def lose(self, collection: Collection, error: Exception | None = None) -> None:
        """Have MongoDB answer until the index has caught up."""
        name = collection.stored_as
        self._positions.pop(name, None)
        self._losses[name] += 1
        if error is not None and is_damage(error):
            self._give_up(error)
        elif error is not None:
            logger.warning("MongoDB answers searches: collection=%s error=%s", name, outline(error))

    def _give_up(self, error: Exception) -> None:
        if not self.is_damaged:
            self.is_damaged = True
            logger.error(
                "The search index is damaged, and MongoDB answers searches. Restart the service to have it "
                "built anew: error=%s",
                outline(error),
            )
            with suppress(OSError):
                self._mark_damaged()
        self._positions.clear()
