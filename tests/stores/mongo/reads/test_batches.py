"""Which batches go together, and that none of them suffers from it."""

import asyncio
from collections.abc import Sequence

import pytest
from pymongo.errors import AutoReconnect, ConfigurationError

from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.stores.mongo.reads.batches import SMALL, Batch, JoinedBatches, Notices
from tests.cqrs.notes import NoteTaken, documents, recorded

EVENT = recorded(1, NoteTaken(note="a"))
PUT = documents.put("a", {})
FOUND = documents.update_where({"topic": "plain"}, {"$set": {"praise": 0}})


class Impossible(Exception):
    """What a store says of a change that it can't make."""


def batch(name: str, *changes: Change) -> Batch:
    made = [(EVENT, change) for change in changes or (PUT,)]
    return Batch(model=ReadModel(name), changes=made, since=0, start=0, end=EVENT)


class Store:
    """Notes which batches came together, and refuses those that are named."""

    def __init__(self, **refusals: Exception) -> None:
        self.transactions: list[str] = []
        self.begun = asyncio.Event()
        self._refusals = refusals
        self._joined = JoinedBatches(self._apply)

    async def apply(self, *batches: Batch) -> list[Notices | BaseException]:
        """Brings them all at the same moment."""
        return await asyncio.gather(*map(self._joined.apply, batches), return_exceptions=True)

    async def _apply(self, batches: Sequence[Batch]) -> list[Notices]:
        self.transactions.append(" ".join(batch.model.name for batch in batches))
        self.begun.set()
        await asyncio.sleep(0)
        for batch in batches:
            if refusal := self._refusals.get(batch.model.name):
                raise refusal
        return [[_notice_of(batch)] for batch in batches]


def _notice_of(batch: Batch) -> DocumentChanged:
    return DocumentChanged(
        read_model=batch.model.name,
        collection="",
        document_id="",
        position=1,
        event_type="",
        fields=(),
        about=None,
    )


async def test_small_batches_that_come_at_the_same_moment_are_one_transaction() -> None:
    store = Store()
    brought = [batch(name) for name in "abc"]
    assert await store.apply(*brought) == [[_notice_of(each)] for each in brought]
    assert await store.apply(batch("a")) == [[_notice_of(batch("a"))]]
    assert store.transactions == ["a b c", "a"]


async def test_those_that_come_during_a_transaction_are_the_next_one() -> None:
    store = Store()
    first = asyncio.create_task(store.apply(batch("a"), batch("b")))
    await store.begun.wait()
    await store.apply(batch("c"), batch("d"), batch("e"))
    assert await first == [[_notice_of(batch("a"))], [_notice_of(batch("b"))]]
    assert store.transactions == ["a b", "c d e"]


async def test_read_models_that_a_transaction_has_woken_stay_together() -> None:
    store = Store()

    async def follow(name: str) -> None:
        for _ in range(3):
            await store.apply(batch(name))

    await asyncio.gather(*map(follow, "abc"), store.apply(batch("d")))
    assert store.transactions == ["a b c d", "a b c", "a b c"]


@pytest.mark.parametrize("long", [(PUT,) * (SMALL + 1), (PUT, FOUND)], ids=["many", "found"])
async def test_nobody_waits_for_what_may_take_long(long: Sequence[Change]) -> None:
    store = Store()
    await store.apply(batch("a"), batch("b"), batch("long", *long), batch("c"))
    assert sorted(store.transactions) == ["a b c", "long"]


async def test_one_that_is_refused_does_not_keep_the_others_from_being_applied(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store(b=(refusal := Impossible("Ada Lovelace can't be written")))
    first, refused, third = await store.apply(*(batch(name) for name in "abc"))
    assert (first, third) == ([_notice_of(batch("a"))], [_notice_of(batch("c"))])
    assert refused is refusal
    assert store.transactions == ["a b c", "a", "b", "c"]
    assert caplog.messages == [
        "A joined request failed, and each caller is answered alone: callers=3 error=Impossible"
    ]


@pytest.mark.parametrize("silence", [AutoReconnect, ConfigurationError])
async def test_a_store_that_does_not_answer_is_not_asked_again(silence: type[Exception]) -> None:
    store = Store(b=silence())
    assert {type(outcome) for outcome in await store.apply(*(batch(name) for name in "abc"))} == {silence}
    assert store.transactions == ["a b c"]


async def test_nobody_is_left_waiting_when_all_is_given_up() -> None:
    async def give_up(_: Sequence[Batch]) -> list[Notices]:
        raise asyncio.CancelledError

    joined = JoinedBatches(give_up)
    outcomes = await asyncio.gather(*(joined.apply(batch(name)) for name in "abc"), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}


@pytest.mark.parametrize("goes", ["before", "meanwhile"])
async def test_who_goes_away_takes_nobody_along(goes: str) -> None:
    applied: list[str] = []
    go_on = asyncio.Event()

    async def apply(batches: Sequence[Batch]) -> list[Notices]:
        await go_on.wait()
        applied.extend(batch.model.name for batch in batches)
        return [[] for _ in batches]

    joined = JoinedBatches(apply)
    first, *others = (asyncio.create_task(joined.apply(batch(name))) for name in "abcd")
    await _turns(1 if goes == "before" else 4)
    first.cancel()
    go_on.set()
    assert await asyncio.gather(*others) == [[], [], []]
    assert first.cancelled()
    # Its transaction is not stopped once it has begun.
    assert applied == (["b", "c", "d"] if goes == "before" else ["a", "b", "c", "d"])


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
