"""The effects of events on documents and lists, for clients that keep what they have read."""

from collections import defaultdict
from collections.abc import Collection as AnyCollection
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from app.cqrs.documents.audiences import NOTHING
from app.cqrs.documents.read_model import Change, Collection, ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.tokens import Token
from app.cqrs.live.notices import Notices
from app.cqrs.reading.invalidation import InvalidationIndex
from app.cqrs.reading.reading import Reading
from app.cqrs.viewers import Scope

MOST_DOCUMENTS = 1_000
"""Documents that are told one by one. A customer may have many more orders, which show their name."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The effect of some events on one document."""

    collection: Collection
    id: str
    removed: bool


@dataclass(frozen=True, kw_only=True)
class Effects:
    """The effects of some events, as far as a viewer may know of them."""

    documents: Sequence[Effect]
    """The documents that the viewer may see."""
    changes: Sequence[Change]
    """The changes in all collections of which the viewer may see any document."""

    def concerned(self, index: InvalidationIndex) -> set[Hashable]:
        """Return the keys of an index that the events concern, by the rule of cached answers."""
        return {key for each in self.changes for key in index.stale_after(each, [each.id or ""])}


class EventEffects:
    """The effects of events that were recorded a moment ago, as the notices of projectors tell them."""

    def __init__(self, notices: Notices, models: Iterable[ReadModel]) -> None:
        self._notices = notices
        self._collections = [each for model in models for each in model.collections]

    async def of(
        self, positions: AnyCollection[int], reading: Reading, at_least: Iterable[Token], *, scope: Scope
    ) -> Effects | None:
        """Return the effects of the events at these positions, once the read models show them.

        `at_least` contains the token of the last event, and `scope` is that of `reading`. Returns `None` if
        the notices are no longer kept, or if there are more than `MOST_DOCUMENTS`; raises `ReadModelBehind`.
        """
        if not positions:
            return Effects(documents=(), changes=())
        visible = {each.name: each for each in self._collections if each.seen_by.filter_for(scope) != NOTHING}
        read_models = {each.read_model for each in visible.values()}
        for name in sorted(read_models):
            await reading.ready(name, at_least)
            await self._notices.until_published(name)
        found = self._notices.of_events({*positions}, read_models)
        if found is None or len(found) > MOST_DOCUMENTS:
            return None
        notices = [each for each in found if each.collection in visible]
        removed = {(each.collection, each.document_id): each.deleted for each in notices}
        last = [Effect(collection=visible[name], id=id, removed=gone) for (name, id), gone in removed.items()]
        return Effects(
            documents=await _seen(last, reading, scope),
            changes=[_change(visible[each.collection], each) for each in notices],
        )


def _change(collection: Collection, notice: DocumentChanged) -> Change:
    """Return a change that concerns all answers that the one behind the notice concerns, and perhaps more."""
    return Change(
        collection,
        id=notice.document_id,
        update={"$set": dict.fromkeys(notice.fields)},
        upsert=notice.may_be_new,
        delete=notice.deleted,
    )


async def _seen(effects: Sequence[Effect], reading: Reading, scope: Scope) -> Sequence[Effect]:
    """Return the effects on documents that a viewer may see.

    The owner of a removed document is known only if the document has the owner's own id.
    """
    asked = defaultdict[str, list[Effect]](list)
    for each in effects:
        if each.collection.seen_by.filter_for(scope) and not each.removed:
            asked[each.collection.name].append(each)
    seen = set[tuple[str, str]]()
    for name, theirs in asked.items():
        documents = await reading.get_many(theirs[0].collection, [each.id for each in theirs], fields=())
        seen |= {(name, each.id) for each, found in zip(theirs, documents, strict=True) if found}
    return [
        each
        for each in effects
        if (each.collection.name, each.id) in seen
        or not each.collection.seen_by.filter_for(scope)
        or (each.removed and each.collection.seen_by.includes(scope, {"_id": each.id}))
    ]
