"""Checkpoints only ever rose: the whole history of them is in mongod's own log of operations."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from pymongo import AsyncMongoClient

from app.cqrs.documents.read_model import ReadModel
from tests.faults.findings import Findings, wrong

History = dict[str, list[int]]
"""The positions that each checkpoint ever had, by its read model's key."""


async def checkpoint_history(mongo: str, database: str) -> History:
    """Reads it from the oplog."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo)
    namespace = f"{database}.checkpoints"
    about = {"$or": [{"ns": namespace}, {"o.applyOps.ns": namespace}]}
    async with client:
        async for entry in client["local"]["oplog.rs"].find(about, sort=[("$natural", 1)]):
            for operation in _operations(entry):
                if operation["ns"] == namespace:
                    key = operation.get("o2", operation["o"])["_id"]
                    found[key] += _positions(operation)
    return dict(found)


def _operations(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The entry itself, or those of the transaction that it is."""
    if "applyOps" in entry["o"]:
        for operation in entry["o"]["applyOps"]:
            yield from _operations(operation)
    else:
        yield entry


def _positions(operation: Mapping[str, Any]) -> Iterator[int]:
    match operation["op"]:
        case "d":
            yield -1
        case "i":
            yield int(operation["o"]["position"])
        case "u":
            written = operation["o"]
            changed = {**written, **written.get("$set", {})}
            for part in written.get("diff", {}).values():
                changed |= part
            if "position" in changed:
                yield int(changed["position"])


def check_checkpoints(history: History, models: Iterable[ReadModel], head: int) -> Findings:
    """Whether each rose, from nothing to the head, and those of other generations until they were dropped."""
    served = [*models]
    for key in history.keys() - {model.key for model in served}:
        if any(later <= earlier and later >= 0 for earlier, later in pairwise(history[key])):
            yield wrong(f"the checkpoint of {key}, which does not serve, went back: {history[key]}")
    for model in served:
        positions = history.get(model.key, [])
        if not positions or positions[0] != 0:
            yield wrong(f"the oplog does not reach back to the first checkpoint of {model.key}")
        for earlier, later in pairwise(positions):
            if later <= earlier:
                yield wrong(f"the checkpoint of {model.key} went from {earlier} to {later}")
        if positions and positions[-1] != head:
            yield wrong(f"the checkpoint of {model.key} ends at {positions[-1]}, the log at {head}")
