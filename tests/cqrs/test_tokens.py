from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cqrs.notices import LAST
from app.cqrs.tokens import BadToken, Token, Tokens

TOKENS = Tokens(uuid4())
positions = st.integers(0, 2**63 - 1)
places = st.dictionaries(st.text(max_size=20), st.tuples(positions, st.text(max_size=20)), max_size=6)


@given(position=positions, reached=places)
def test_reads_what_it_wrote(position: int, reached: dict[str, tuple[int, str]]) -> None:
    text = TOKENS.write(position, reached)
    assert text.isascii()
    assert TOKENS.read(text) == Token(position, reached)


@given(position=positions, at=st.integers(0, 200), other=st.characters())
def test_a_changed_token_is_refused(position: int, at: int, other: str) -> None:
    text = TOKENS.write(position)
    changed = text[: at % len(text)] + other + text[at % len(text) + 1 :]
    if changed != text:
        with pytest.raises(BadToken):
            TOKENS.read(changed)


@given(one=positions, other=positions)
def test_the_later_of_two_tokens_is_the_greater_text(one: int, other: int) -> None:
    places = {"orders": (other, "a")}
    assert (TOKENS.write(one) < TOKENS.write(other)) == (one < other)
    assert (TOKENS.write(one, places) < TOKENS.write(other)) == (one < other) or one == other


@given(garbage=st.text())
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(BadToken):
        TOKENS.read(garbage)


def test_another_stores_token_is_refused() -> None:
    with pytest.raises(BadToken, match="another store"):
        TOKENS.read(Tokens(uuid4()).write(7))


def test_a_plain_token_has_seen_all_of_its_position() -> None:
    token = Token(7, {"orders": (9, "a")})
    assert token.place_in("products") == (7, LAST)
    assert token.place_in("orders") == (9, "a")
    assert token.position_in("orders") == 9
