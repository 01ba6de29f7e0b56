"""The indexes of collections, which are created once the documents of a new one are there.

Keeping an index up to date while documents are made from the whole log costs mongod several times as much as
sorting all its keys at last, and more still once the index outgrows mongod's cache.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from pymongo import IndexModel
from pymongo.database import Database
from pymongo.errors import NetworkTimeout

from app.cqrs.documents.read_model import Change, Collection, Document

Keys = list[tuple[str, int]]

BY_POSITION: Keys = [("position", 1), ("_id", 1)]
"""The keys of the index of every collection: subscriptions resume by position, and rebuilds compare by it."""

QUORUM = "majority"
"""The nodes that must have an index before it is used; by default, one that is down holds it up."""


def indexes_of(collection: Collection) -> list[Keys]:
    """Return the keys of a collection's indexes: those that it declares, and one by position."""
    declared = [[_key(path) for path in paths] for paths in collection.indexes]
    return [BY_POSITION, *declared]


class Indexes:
    """The indexes of a database. Its methods block, and raise the driver's errors."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database
        self._known = defaultdict[str, list[Keys]](list)
        """Indexes by which changes find documents, and which were created, by collection."""

    def begin(self, collection: Collection) -> None:
        """Create a collection that is missing, with the index by position."""
        self._known.pop(collection.stored_as, None)
        self._create(collection, [BY_POSITION])

    def create_for(self, changes: Iterable[Change]) -> None:
        """Create the indexes by which these changes find their documents, unless that was done before."""
        for change in changes:
            if change.where is None:
                continue
            known = self._known[change.collection.stored_as]
            wanted = [keys for keys in indexes_of(change.collection) if keys[0][0] in change.where]
            if missing := [keys for keys in wanted if keys not in known]:
                self._create(change.collection, missing)
                known += missing

    def create_all(self, collection: Collection) -> bool:
        """Create all indexes of a collection; return whether they are there.

        Otherwise their creation takes longer than a call may. It goes on, and another call waits for it.
        """
        try:
            self._create(collection, indexes_of(collection))
        except NetworkTimeout:
            self._database.command("ping")  # This raises if mongod does not answer at all.
            return False
        return True

    def _create(self, collection: Collection, indexes: Sequence[Keys]) -> None:
        models = [IndexModel(keys) for keys in indexes]
        self._database[collection.stored_as].create_indexes(models, commitQuorum=QUORUM)


def _key(path: str) -> tuple[str, int]:
    return path.removeprefix("-"), -1 if path.startswith("-") else 1
