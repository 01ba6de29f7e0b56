"""What is kept ready: at second sight, and within bounds whatever comes."""

from dataclasses import dataclass

from app.graphql.compiled.sightings import Sightings


@dataclass
class Thing:
    text: str
    size: int = 10


def kept(*, most: int = 3, most_bytes: int = 100) -> tuple[Sightings[Thing], list[str]]:
    made: list[str] = []

    def make(text: str, name: str | None) -> Thing:
        made.append(text)
        return Thing(text, size=len(text))

    return Sightings(make, most=most, most_bytes=most_bytes), made


def test_what_is_seen_once_is_not_made() -> None:
    sightings, made = kept()
    assert [sightings.get("a", None), sightings.get("b", None), made] == [None, None, []]
    assert sightings.get("a", None) is sightings.get("a", None)
    assert made == ["a"]


def test_another_name_is_another_operation() -> None:
    sightings, _ = kept()
    assert [sightings.get("a", name) for name in (None, "A", "B")] == [None] * 3
    assert sightings.get("a", "A") is not sightings.get("a", "B")


def test_what_was_not_used_the_longest_goes_first() -> None:
    sightings, made = kept(most=2)
    for text in "aabb":
        sightings.get(text, None)
    sightings.get("a", None)
    for text in "ccab":
        sightings.get(text, None)
    assert (made, len(sightings)) == (["a", "b", "c"], 2)


def test_a_stream_of_different_texts_takes_no_more_memory() -> None:
    sightings, made = kept(most=3, most_bytes=1000)
    for number in range(10_000):
        sightings.get(f"text {number}", None)
    assert made == []
    assert len(sightings._seen_once) == 30
    for number in range(100):
        sightings.get(f"text {number}", None)
        sightings.get(f"text {number}", None)
    assert len(sightings) == 3


def test_things_that_grow_push_others_out() -> None:
    sightings, _ = kept(most=10, most_bytes=10)
    for text in ("aa", "aa", "bb", "bb"):
        sightings.get(text, None)
    newest = sightings.get("bb", None)
    assert newest is not None
    newest.size = 9
    sightings.weigh("bb", None)
    assert (len(sightings), sightings.get("bb", None)) == (1, newest)


def test_what_is_larger_than_all_that_may_be_kept_is_made_once_and_drops_nothing() -> None:
    sightings, made = kept(most_bytes=10)
    for text in ("aa", "aa", "a long text", "a long text", "a long text", "a long text"):
        sightings.get(text, None)
    assert (made, len(sightings)) == (["aa", "a long text"], 1)
    assert sightings.get("aa", None)


def test_what_grows_beyond_all_that_may_be_kept_is_dropped_alone() -> None:
    sightings, made = kept(most_bytes=10)
    for text in ("aa", "aa", "bb", "bb"):
        newest = sightings.get(text, None)
    assert newest is not None
    newest.size = 11
    sightings.weigh("bb", None)
    assert [sightings.get(text, None) for text in ("bb", "bb", "bb")] == [None] * 3
    assert (made, sightings.bytes, len(sightings)) == (["aa", "bb"], 2, 1)
