"""No answer shows the documents as they were before it was asked, and what would break that is noticed."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Any

import pytest

from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.reading import Reading
from app.cqrs.reading.recent_changes import ChangeWithIds
from app.cqrs.reading.sources import Choice, Source
from app.cqrs.together.joining import JoinedQuestions
from tests.cqrs.notes import documents
from tests.cqrs.staleness import hammer

ROOM = 20_000
SEEDS = range(200)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


@pytest.mark.campaign
@pytest.mark.parametrize("room", [0, 3_000, ROOM])
def test_no_answer_is_stale(room: int) -> None:
    met = hammer(SEEDS, room)
    assert (met["recalled"] > 0) == (room > 0)
    assert met["refused"]


class ForgetsAfterTheCommit(ReadCache):
    late: Sequence[ChangeWithIds] = ()

    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        self.late = changes

    def changed(self, read_model: str) -> None:
        super().changing(read_model, self.late)
        super().changed(read_model)


class KeepsWhatWasReadBefore(ReadCache):
    def put(self, key: Hashable, value: Any, **rest: Any) -> None:
        super().put(key, value, **{**rest, "since": self.mark()})


class KeepsWhatWasReadMeanwhile(ReadCache):
    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        super().changing(read_model, changes)
        self._recent[read_model].end(self._moment)


class KeepsWhatMayHaveBeenReadMeanwhile(ReadCache):
    def changed(self, read_model: str) -> None:
        self._recent[read_model].end(self._moment)


class KnowsOfTheLastChangeOnly(ReadCache):
    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        self._recent[read_model]._transactions.clear()
        super().changing(read_model, changes)


class ForgetsDocumentsOnly(ReadCache):
    def put(self, key: Hashable, value: Any, *, sources: Sequence[Source], **rest: Any) -> None:
        sources = [Source(source.collection, source.ids or ["nobody"]) for source in sources]
        super().put(key, value, sources=sources, **rest)


class ForgetsListingsOnly(ReadCache):
    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        super().changing(
            read_model, [(change.collection.put("stranger", {}), ["stranger"]) for change, _ in changes]
        )


class ForgetsNothingThatWasFound(ReadCache):
    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        super().changing(read_model, [(change, ids if change.id else []) for change, ids in changes])


class KeepsNumbersOverRemovals(ReadCache):
    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        unseen = documents.update("stranger", {})
        super().changing(read_model, [(unseen if change.delete else change, ids) for change, ids in changes])


class ForgetsWhatIsShownOnly(ReadCache):
    def put(self, key: Hashable, value: Any, *, sources: Sequence[Source], **rest: Any) -> None:
        sources = [Source(source.collection, source.ids, Choice(frozenset())) for source in sources]
        super().put(key, value, sources=sources, **rest)


class TrustsWhatAnotherMayHaveChanged(ReadCache):
    def changing(self, read_model: str, changes: Sequence[ChangeWithIds]) -> None:
        self._before = dict(self._entries)
        super().changing(read_model, changes)

    def settled(self, read_model: str) -> None:
        self._recent[read_model].settle(0)
        for key, entry in getattr(self, "_before", {}).items():  # as if the change had not been made
            read_models, sources = entry.read_models, entry.sources
            self.put(key, entry.value, size=0, read_models=read_models, sources=sources, since=self.mark())


@pytest.mark.campaign
@pytest.mark.parametrize(
    "broken",
    [
        ForgetsAfterTheCommit,
        KeepsWhatWasReadBefore,
        KeepsWhatWasReadMeanwhile,
        KeepsWhatMayHaveBeenReadMeanwhile,
        KnowsOfTheLastChangeOnly,
        ForgetsDocumentsOnly,
        ForgetsListingsOnly,
        ForgetsNothingThatWasFound,
        KeepsNumbersOverRemovals,
        ForgetsWhatIsShownOnly,
        TrustsWhatAnotherMayHaveChanged,
    ],
)
def test_notices_a_cache_that(broken: type[ReadCache]) -> None:
    with pytest.raises(AssertionError, match="broken: "):
        hammer(SEEDS, ROOM, broken)


async def _takes_the_answer_that_is_under_way(
    self: JoinedQuestions, kind: Hashable, ask: Callable[[Sequence[str]], Awaitable[Any]], wanted: Any = ()
) -> Any:
    under_way: dict[Hashable, asyncio.Future[Any]] = vars(self).setdefault("under_way", {})
    question = (kind, *wanted)
    if question not in under_way:
        under_way[question] = asyncio.ensure_future(ask(wanted))
        under_way[question].add_done_callback(lambda _: under_way.pop(question))
    return await asyncio.shield(under_way[question])


def test_notices_who_is_given_what_was_looked_up_before_they_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JoinedQuestions, "ask", _takes_the_answer_that_is_under_way)
    with pytest.raises(AssertionError, match="broken: "):
        hammer(SEEDS, 0)


def _same(source: Source) -> Source:
    return source


def _recalls_without_waiting(self: Reading, cache: ReadCache, key: Hashable) -> Any:
    entry = cache.get(key)
    if entry:
        for source in entry.sources:
            self._add_source(source.collection, partial(_same, source))
    return entry and entry.value


def test_notices_who_recalls_what_is_before_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reading, "recall", _recalls_without_waiting)
    with pytest.raises(AssertionError, match="broken: "):
        hammer(range(500), ROOM)  # It takes a change that is neither begun nor far.
