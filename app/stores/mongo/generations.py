"""The generations of a read model in MongoDB: each has its collections and its checkpoint."""

import re
from collections.abc import Sequence

from pymongo.database import Database

from app.cqrs.documents.read_model import Document, ReadModel
from app.cqrs.fingerprints import DIGITS
from app.cqrs.projecting.generations import Generation


def generations(database: Database[Document], model: ReadModel) -> Sequence[Generation]:
    """Return the generations that have a checkpoint; those before fingerprints were numbered."""
    key = f"^{re.escape(model.name)}_(v[0-9]+|[0-9a-f]{{{DIGITS}}})$"
    return [
        Generation(key=each["_id"], position=int(each.get("position", 0)), types=each.get("types", {}))
        for each in database["checkpoints"].find({"_id": {"$regex": key}}, sort=[("_id", 1)])
    ]


def drop(database: Database[Document], generation: Generation) -> None:
    """Forget a generation, its checkpoint last: what is interrupted is found and dropped again."""
    of_it = {"name": {"$regex": f"^{re.escape(generation.key)}(_|$)"}}
    for name in database.list_collection_names(filter=of_it):
        database.drop_collection(name)
    for collection in ("writers", "checkpoints"):
        database[collection].delete_one({"_id": generation.key})
