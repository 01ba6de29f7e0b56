from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cqrs.freshness.document_positions import AFTER_ALL_DOCUMENTS
from app.cqrs.freshness.tokens import BadToken, LostHistory, Token, Tokens
from app.cqrs.log.history import History
from app.cqrs.unavailable import WriteStoreUnavailable
from tests.cqrs.desk import MemoryLog
from tests.cqrs.notes import NoteRead

TOKENS = Tokens(b"a key", History(MemoryLog()))
positions = st.integers(0, 2**63 - 1)
places = st.dictionaries(st.text(max_size=20), st.tuples(positions, st.text(max_size=20)), max_size=6)


@given(position=positions, reached=places)
def test_reads_what_it_wrote(position: int, reached: dict[str, tuple[int, str]]) -> None:
    text = TOKENS.write(position, reached)
    assert text.isascii()
    assert TOKENS.decode(text) == Token(position, reached)


@given(position=positions, at=st.integers(0, 200), other=st.characters())
def test_a_changed_token_is_refused(position: int, at: int, other: str) -> None:
    text = TOKENS.write(position)
    changed = text[: at % len(text)] + other + text[at % len(text) + 1 :]
    if changed != text:
        with pytest.raises(BadToken):
            TOKENS.decode(changed)


@given(one=positions, other=positions)
def test_the_later_of_two_tokens_is_the_greater_text(one: int, other: int) -> None:
    places = {"orders": (other, "a")}
    assert (TOKENS.write(one) < TOKENS.write(other)) == (one < other)
    assert (TOKENS.write(one, places) < TOKENS.write(other)) == (one < other) or one == other


@given(garbage=st.text())
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(BadToken):
        TOKENS.decode(garbage)


def test_a_token_that_another_key_has_signed_is_refused() -> None:
    with pytest.raises(BadToken, match="of this store"):
        TOKENS.decode(Tokens(b"another key", History(MemoryLog())).write(7))


def test_a_plain_token_has_seen_all_of_its_position() -> None:
    token = Token(7, {"orders": (9, "a")})
    assert token.document_position_in("products") == (7, AFTER_ALL_DOCUMENTS)
    assert token.document_position_in("orders") == (9, "a")
    assert token.position_in("orders") == 9


def a_log(events: int) -> MemoryLog:
    log = MemoryLog()
    log.append(*(NoteRead() for _ in range(events)))
    log.events = [replace(event, event_id=uuid4()) for event in log.events]
    return log


@pytest.mark.parametrize("remembered", [True, False])
async def test_a_token_is_refused_once_the_log_has_another_event_in_its_place(remembered: bool) -> None:
    before, after = a_log(3), a_log(3)
    after.events[:2] = before.events[:2]
    tokens = Tokens(b"a key", History(before))
    later = History(after)
    if remembered:
        later.note(after.events)
    for mark in before.events[:2]:
        assert (await Tokens(b"a key", later).read(tokens.of(mark))).position == mark.position
    with pytest.raises(LostHistory, match="set back to an earlier state"):
        await Tokens(b"a key", later).read(tokens.of(before.events[2]))


async def test_a_token_from_beyond_the_end_of_the_log_is_refused_until_the_log_gets_there() -> None:
    whole = a_log(3)
    short = MemoryLog()
    short.events = whole.events[:2]
    tokens = Tokens(b"a key", History(short))
    text = tokens.of(whole.events[2])
    with pytest.raises(LostHistory):
        await tokens.read(text)
    short.events = whole.events
    assert (await tokens.read(text)).position == 3


async def test_a_cursor_for_an_old_place_names_the_newest_event() -> None:
    log = a_log(3)
    history = History(log)
    history.note(log.events)
    cursor = Tokens(b"a key", history).write(1, {"notes": (1, "notes/a")})
    restored = MemoryLog()
    restored.events = log.events[:2]
    with pytest.raises(LostHistory):
        await Tokens(b"a key", History(restored)).read(cursor)
    assert (await Tokens(b"a key", History(log)).read(cursor)).document_position_in("notes") == (1, "notes/a")


async def test_a_token_is_taken_as_it_is_while_the_log_can_not_be_asked() -> None:
    log = a_log(1)

    async def unavailable(**_how: int) -> list[object]:
        raise WriteStoreUnavailable("it is down")

    text = Tokens(b"a key", History(log)).of(log.events[0])
    log.read = unavailable  # type: ignore[assignment, method-assign]
    assert (await Tokens(b"a key", History(log)).read(text)).position == 1


async def test_many_who_ask_for_the_same_old_position_ask_the_log_once() -> None:
    log = a_log(2)
    history = History(log)
    tokens = Tokens(b"a key", history)
    text = tokens.of(log.events[0])
    for _ in range(20):
        await tokens.read(text)
    assert len(log.reads) == 1
