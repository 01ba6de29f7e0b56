"""A change counts once the node that is read from shows it."""

import asyncio

import pytest

from app.cqrs.announcing import heard_model
from app.cqrs.live.notices import topic
from tests.cqrs.announcing.wire import TAKEN, Hearing, Telling, Wire, missed, settled
from tests.cqrs.notes import notes


async def test_a_change_counts_once_the_node_that_is_read_from_shows_it(
    hearing: Hearing, telling: Telling
) -> None:
    hearing.node.lags = True
    waiting = asyncio.create_task(hearing.progress.wait_for(2, 5))
    with hearing.notices.listen(topic(notes.name)) as listener:
        await telling.apply(TAKEN[1])
        await settled()
        since = hearing.cache.mark()
        assert hearing.progress.visible == 2, "a read may show it already"
        assert hearing.progress.position == 1
        assert listener.pending() is None
        hearing.node.catch_up()
        await waiting
        assert (await listener.next()) is not None
    hearing.keep("n2", since)
    assert not hearing.keeps("n2"), "it was read before the node was known to show the change"


async def test_what_a_new_projector_tells_counts_once_the_node_shows_what_the_store_has(
    hearing: Hearing, wire: Wire
) -> None:
    hearing.node.lags = True
    another = Telling(wire)
    another.announcer.started(9, gapless=False, log_set_back=False)
    await settled()
    assert hearing.progress.position == 1
    hearing.node.catch_up()
    await settled()
    assert hearing.progress.position == 9


async def test_while_nobody_knows_what_was_missed_the_node_is_asked_and_nothing_is_answered_from_memory(
    hearing: Hearing, telling: Telling, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heard_model, "SILENCE", 0.05)
    hearing.keep("n1")
    wire.loses = True
    await telling.apply(TAKEN[1])
    await settled()
    wire.loses = False
    hearing.node.is_level_at_once = False
    waiting = asyncio.create_task(hearing.progress.wait_for(3, 5))
    hearing.stored[notes.key] = 3
    while not waiting.done():
        telling.teller.sign()  # announcements go on, and none of them can be passed on
        await asyncio.sleep(0.01)
    await waiting
    assert not hearing.keeps("n1")


async def test_after_another_node_was_chosen_nothing_counts_until_it_was_asked(
    hearing: Hearing, telling: Telling
) -> None:
    hearing.keep("n1")
    hearing.node.lags = True
    await telling.apply(TAKEN[1])
    await settled()
    doubts = hearing.progress.doubts
    hearing.hearer.doubt()
    hearing.node.leave()
    assert hearing.progress.doubts == doubts + 1, "reads under way are made again"
    assert not hearing.progress.holds(1), "the other node may show an earlier moment"
    hearing.node.lags = False
    hearing.stored[notes.key] = 2
    await hearing.progress.wait_for(2, 5)
    assert not hearing.keeps("n1")
    assert missed(hearing, 0) is None, "subscribers read again"
