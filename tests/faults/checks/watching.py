"""Subscribers that resume with their cursors missed nothing and saw nothing twice."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.document_positions import DocumentPosition
from tests.faults.checks.books import Books
from tests.faults.findings import Findings, doubled, lost, wrong
from tests.faults.watchers import Item, Watcher


def check_changes(watcher: Watcher, history: Iterable[DocumentChanged], books: Books) -> Findings:
    """A follower of `readModelUpdates`, against all notices that there ever were."""
    tokens = books.tokens
    due: defaultdict[str, list[DocumentPosition]] = defaultdict(list)
    for notice in history:
        due[notice.read_model].append(notice.document_position)
    seen: defaultdict[str, list[tuple[DocumentPosition, int]]] = defaultdict(list)
    told: list[int] = []  # the items that say that something was passed over
    for number, item in enumerate(watcher.items):
        match item["__typename"]:
            case "DocumentChanged":
                place = int(item["position"]), f"{item['collection']}/{item['documentId']}"
                seen[item["readModel"].lower()].append((place, number))
            case "Lagged" | "Reset":
                told.append(number)
    began = tokens.decode(watcher.items[0]["cursor"])
    for model, places in due.items():
        yield from _model(watcher.name, model, began.document_position_in(model), places, seen[model], told)
        for place in _never_happened((place for place, _ in seen[model]), places, books):
            yield wrong(f"{watcher.name} was told of {model} {place}, which never happened")
    cursors = [tokens.decode(item["cursor"]) for item in watcher.items]
    for earlier, later in pairwise(cursors):
        if any(later.document_position_in(model) < earlier.document_position_in(model) for model in due):
            yield wrong(f"{watcher.name}: a cursor went back, from {earlier} to {later}")


def _model(
    name: str,
    model: str,
    began: DocumentPosition,
    due: Sequence[DocumentPosition],
    seen: Sequence[tuple[DocumentPosition, int]],
    told: Sequence[int],
) -> Findings:
    for (earlier, _), (later, _) in pairwise(seen):
        if later == earlier:
            yield doubled(f"{name} was told twice of {model} {later}")
        elif later < earlier:
            yield wrong(f"{name} was told of {model} {later} after {earlier}")
    waiting = iter([*seen, (None, 1 << 60)])
    next_seen, number = next(waiting)
    last_number = 0
    for place in sorted(due):
        if place <= began:
            continue
        while next_seen is not None and next_seen < place:
            last_number = number
            next_seen, number = next(waiting)
        if place != next_seen and not any(last_number <= each <= number for each in told):
            yield lost(f"{name} was never told of {model} {place}")


def _never_happened(
    seen: Iterable[DocumentPosition], due: Iterable[DocumentPosition], books: Books
) -> Iterable[DocumentPosition]:
    """The places of no notice, except for those of events whose replay changes less than they did."""
    erased = books.erased
    return (place for place in {*seen} - {*due} if place[0] not in erased)


def check_states(
    watcher: Watcher, history: Iterable[DocumentChanged], books: Books, final: Mapping[str, Any]
) -> Findings:
    """A follower of documents, against their `final` states by id."""
    tokens = books.tokens
    model, field = ("product_listing", "product") if "product" in watcher.name else ("order_details", "order")
    places = [tokens.decode(item["cursor"]).document_position_in(model) for item in watcher.items]
    anew = [bool(item.get("reset")) for item in watcher.items]
    for (earlier, later), is_anew in zip(pairwise(places), anew[1:], strict=True):
        if is_anew:  # The read model was rebuilt: all documents are sent once more.
            continue
        if later == earlier:
            yield doubled(f"{watcher.name} was sent {later} twice")
        elif later < earlier:
            yield wrong(f"{watcher.name} was sent {later} after {earlier}")
    happened = (notice.document_position for notice in history if notice.read_model == model)
    for place in _never_happened(places, happened, books):
        yield wrong(f"{watcher.name} was sent {place}, which never happened")
    last: dict[str, Item] = {item[field]["id"]: item[field] for item in watcher.items}
    for id, state in final.items():
        if last.get(id) != state:
            yield lost(f"{watcher.name} saw {id} last as {last.get(id)}, and it is {state}")
