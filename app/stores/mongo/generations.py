"""Generations of a read model in MongoDB: each has collections and a checkpoint of its own."""

import re
from collections.abc import Sequence

from pymongo.database import Database

from app.cqrs.documents.read_model import Document, ReadModel
from app.cqrs.fingerprints import DIGITS
from app.cqrs.projecting.generations import Generation


def generations(database: Database[Document], model: ReadModel) -> Sequence[Generation]:
    """Return the read model's generations that have a checkpoint."""
    # Before there were fingerprints, generations were numbered: v1, v2, …
    key = f"^{re.escape(model.name)}_(v[0-9]+|[0-9a-f]{{{DIGITS}}})$"
    return [
        Generation(key=each["_id"], position=int(each.get("position", 0)), types=each.get("types", {}))
        for each in database["checkpoints"].find({"_id": {"$regex": key}}, sort=[("_id", 1)])
    ]


def drop(database: Database[Document], generation: Generation) -> None:
    """Drop a generation, its checkpoint last, so that an interrupted drop is found and repeated."""
    of_it = {"name": {"$regex": f"^{re.escape(generation.key)}(_|$)"}}
    for name in database.list_collection_names(filter=of_it):
        database.drop_collection(name)
    for collection in ("writers", "checkpoints"):
        database[collection].delete_one({"_id": generation.key})
