import asyncio
import gc
from operator import itemgetter
from uuid import uuid4

import pytest

from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.document_positions import AFTER_ALL_DOCUMENTS
from app.cqrs.live.notices import NOTICES_PER_STEP, Listener, Notices, topic
from app.cqrs.live.recent_notices import PublishedNotice


def changed(
    position: int, document: str = "a", *, read_model: str = "notes", about: str | None = None
) -> DocumentChanged:
    return DocumentChanged(
        read_model=read_model,
        collection=f"{read_model}_v1",
        document_id=document,
        position=position,
        event_type="NoteTaken",
        fields=("topic",),
        about=about,
    )


def positions(kept: list[PublishedNotice] | None) -> list[int] | None:
    return None if kept is None else [each.notice.position for each in kept]


def noticed(position: int, document: str = "a") -> PublishedNotice:
    return PublishedNotice(changed(position, document), position, {})


def waiting(listener: Listener) -> list[int]:
    """The positions of all notices that have arrived."""
    arrived = []
    while each := listener.pending():
        arrived.append(each.notice.position)
    return arrived


def test_a_listener_hears_of_what_it_follows() -> None:
    notices = Notices()
    with (
        notices.listen(topic("notes")) as of_notes,
        notices.listen(topic("notes", document="a")) as of_a,
        notices.listen(topic("notes", about="Ada")) as of_ada,
        notices.listen(topic("notes", document="b"), topic("letters")) as of_two,
    ):
        notices.publish(
            [
                changed(1, "a"),
                changed(2, "b", about="Ada"),
                changed(3, "c", about="Bob"),
                changed(4, "d", read_model="letters"),
            ]
        )
        assert waiting(of_notes) == [1, 2, 3]
        assert waiting(of_a) == [1]
        assert waiting(of_ada) == [2]
        assert waiting(of_two) == [2, 4]


def test_a_listener_of_overlapping_topics_hears_once() -> None:
    notices = Notices()
    with notices.listen(topic("notes"), topic("notes", document="a")) as listener:
        notices.publish([changed(1)])
        assert waiting(listener) == [1]
        assert listener.take_lagged() == 0


def test_a_listener_that_left_hears_nothing() -> None:
    notices = Notices()
    with notices.listen(topic("notes")) as listener:
        pass
    notices.publish([changed(1)])
    assert waiting(listener) == []


def test_a_listener_with_room_hears_everything() -> None:
    listener = Listener(capacity=4)
    for each in (noticed(1, "a"), noticed(2, "b"), noticed(3, "a"), noticed(4, "a")):
        listener.offer(each)
    assert waiting(listener) == [1, 2, 3, 4]
    assert listener.take_lagged() == 0


def test_a_full_queue_gives_up_its_oldest_notices() -> None:
    listener = Listener(capacity=3)
    for each in (noticed(1, "b"), noticed(2, "a"), noticed(3, "c"), noticed(4, "a"), noticed(5, "c")):
        listener.offer(each)
    assert waiting(listener) == [3, 4, 5]
    assert listener.take_lagged() == 2
    assert listener.take_lagged() == 0


def test_a_slow_listener_is_bounded_and_knows_what_it_missed() -> None:
    notices = Notices(capacity=3)
    with notices.listen(topic("notes")) as listener:
        notices.publish([changed(position, str(position)) for position in range(1, 8)])
        assert waiting(listener) == [5, 6, 7]
        assert listener.take_lagged() == 4


async def test_waits_for_the_next_notice() -> None:
    listener = Listener(capacity=1)
    waiter = asyncio.create_task(listener.next())
    asyncio.get_running_loop().call_soon(listener.offer, noticed(1))
    first = await waiter
    assert first
    assert first.notice.position == 1
    assert await listener.next(0.001) is None


def test_resumes_after_a_place_without_gap_or_double() -> None:
    notices = Notices()
    notices.publish([changed(1), changed(2, "a"), changed(2, "b"), changed(3, read_model="letters")])
    assert positions(notices.since({"notes": (0, "")})) == [1, 2, 2]
    assert positions(notices.since({"notes": (1, AFTER_ALL_DOCUMENTS)})) == [2, 2]
    assert positions(notices.since({"notes": (2, "notes_v1/a")})) == [2]
    assert positions(notices.since({"notes": (2, AFTER_ALL_DOCUMENTS), "letters": (0, "")})) == [3]
    assert positions(notices.since({"notes": (9, AFTER_ALL_DOCUMENTS)})) == []


def test_keeps_the_newest_and_admits_what_is_gone() -> None:
    notices = Notices(kept=2)
    notices.publish([changed(1, "a"), changed(1, "b"), changed(2, "a")])
    assert positions(notices.since({"notes": (1, "notes_v1/a")})) == [1, 2]
    assert notices.since({"notes": (0, AFTER_ALL_DOCUMENTS)}) is None
    assert notices.since({"notes": (1, "notes_v1")}) is None
    assert positions(notices.since({"letters": (0, "")})) == []


def test_every_notice_says_how_far_all_read_models_were_told_of_by_then() -> None:
    notices = Notices()
    notices.begin("letters", 3)
    notices.publish([changed(4), changed(4, "b")])
    assert notices.reached({"notes": 6, "letters": 3}) == (
        2,
        {"notes": (6, AFTER_ALL_DOCUMENTS), "letters": (3, AFTER_ALL_DOCUMENTS)},
    )
    notices.publish([changed(5, "c", read_model="letters")])
    [first, _, last] = notices.since({"notes": (0, ""), "letters": (3, AFTER_ALL_DOCUMENTS)}) or []
    assert first.reached == {"notes": (4, "notes_v1/a"), "letters": (3, AFTER_ALL_DOCUMENTS)}
    assert last.reached == {"notes": (6, AFTER_ALL_DOCUMENTS), "letters": (5, "letters_v1/c")}
    assert notices.reached({"notes": 6}) == (2, {"notes": (6, AFTER_ALL_DOCUMENTS)}), (
        "what is not followed does not count"
    )


def test_does_not_resume_from_before_it_began() -> None:
    notices = Notices()
    notices.begin("notes", 5)
    notices.publish([changed(6)])
    assert notices.since({"notes": (4, AFTER_ALL_DOCUMENTS)}) is None
    assert notices.since({"notes": (5, "notes_v1/a")}) is None
    assert positions(notices.since({"notes": (5, AFTER_ALL_DOCUMENTS)})) == [6]


def test_beginning_again_forgets_what_may_have_gaps() -> None:
    notices = Notices(kept=3)
    notices.publish([changed(1), changed(1, read_model="letters")])
    notices.begin("notes", 5)
    notices.publish([changed(6), changed(7, "b"), changed(8, "c")])
    assert notices.since({"notes": (4, AFTER_ALL_DOCUMENTS)}) is None
    assert positions(notices.since({"notes": (5, AFTER_ALL_DOCUMENTS)})) == [6, 7, 8]
    assert notices.since({"letters": (0, "")}) is None


async def test_a_listener_is_woken_when_notices_were_lost() -> None:
    notices = Notices()
    followed = (topic("notes"), topic("notes", document="a"), topic("notes", about="Ada"))
    for name in followed:
        with notices.listen(name) as listener, notices.listen(topic("letters")) as other:
            waiter = asyncio.create_task(listener.next())
            notices.begin("notes", 5)
            assert await waiter is None
            assert listener.take_lagged() == 1
            assert other.take_lagged() == 0


async def test_what_arrives_just_as_the_patience_ends_is_not_passed_over() -> None:
    """Both are due in the same turn of the loop, first the end of the patience."""
    notices, loop = Notices(), asyncio.get_running_loop()
    with notices.listen(topic("notes")) as listener:
        waits = asyncio.create_task(listener.next(0.01))
        await asyncio.sleep(0)
        loop.call_later(0.01, notices.publish, [changed(1)])
        due = loop.time() + 0.02
        while loop.time() < due:
            pass
        found = await waits
    assert found is not None
    assert found.notice.position == 1


MANY = [changed(1, f"{number:05}") for number in range(3 * NOTICES_PER_STEP)]


async def test_very_many_notices_leave_others_their_turn() -> None:
    notices, published = Notices(kept=len(MANY)), list[int]()

    async def look() -> None:
        while len(published) < 3:
            published.append(len(notices.since({"notes": (0, AFTER_ALL_DOCUMENTS)}) or ()))
            await asyncio.sleep(0)

    await asyncio.gather(notices.publish_in_steps(MANY), look())
    assert published == [NOTICES_PER_STEP, 2 * NOTICES_PER_STEP, 3 * NOTICES_PER_STEP]


async def test_what_is_being_published_is_not_taken_for_published() -> None:
    """A listener who is told that all of a position was published takes the rest for old."""
    notices, reached = Notices(), list[object]()

    async def look() -> None:
        reached.append(notices.reached({"notes": 1}))

    await asyncio.gather(notices.publish_in_steps(MANY), look())
    assert reached == [(NOTICES_PER_STEP, {"notes": MANY[NOTICES_PER_STEP - 1].document_position})]
    assert notices.reached({"notes": 1}) == (len(MANY), {"notes": (1, AFTER_ALL_DOCUMENTS)})


async def test_the_rest_is_published_where_the_projector_is_stopped() -> None:
    notices = Notices(kept=len(MANY))
    publishing = asyncio.create_task(notices.publish_in_steps(MANY))
    await asyncio.sleep(0)
    assert len(notices.since({"notes": (0, AFTER_ALL_DOCUMENTS)}) or ()) == NOTICES_PER_STEP
    publishing.cancel()
    await asyncio.wait([publishing])
    assert len(notices.since({"notes": (0, AFTER_ALL_DOCUMENTS)}) or ()) == len(MANY)
    assert notices.reached({"notes": 1})[1] == {"notes": (1, AFTER_ALL_DOCUMENTS)}


@pytest.mark.campaign
def test_notices_that_are_kept_do_not_lengthen_garbage_collections() -> None:
    # The fewest of three attempts: threads of drivers make objects meanwhile.
    objects, notices = min((notices_of_two_read_models() for _ in range(3)), key=itemgetter(0))
    assert objects < 100
    assert positions(notices.since({"notes": (0, ""), "letters": (0, "")})) is None
    assert positions(notices.since({"notes": (1_990, ""), "letters": (2_000, "")})) == [
        1990,
        1992,
        1994,
        1996,
        1998,
    ]


def notices_of_two_read_models() -> tuple[int, Notices]:
    """Notices of 2,000 changes, and the objects that a full garbage collection visits because of them."""
    notices = Notices(kept=1_000)
    gc.collect()
    before = len(gc.get_objects())
    for position in range(2_000):
        name = ("notes", "letters")[position % 2]
        notices.publish([changed(position, str(uuid4()), read_model=name, about=str(uuid4()))])
    for _ in range(2):  # A tuple is left out once its parts are.
        gc.collect()
    return len(gc.get_objects()) - before, notices


def test_a_notice_that_is_kept_is_as_it_was_published() -> None:
    notices = Notices()
    notices.begin("letters", 3)
    with notices.listen(topic("notes")) as listener:
        notices.publish([changed(4, "a", about="Ada")])
        published = listener.pending()
    assert published
    assert notices.since({"notes": (0, "")}) == [published]
    assert published.reached == {"letters": (3, AFTER_ALL_DOCUMENTS), "notes": (4, "notes_v1/a")}
