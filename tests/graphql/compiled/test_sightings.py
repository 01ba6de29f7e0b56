"""What is kept ready: at second sight, and within bounds whatever comes."""

from dataclasses import dataclass

from app.graphql.compiled.sightings import Sightings


@dataclass
class Thing:
    text: str
    size: int = 10


def kept(*, most: int = 3, most_bytes: int = 100) -> tuple[Sightings[Thing], list[str]]:
    made: list[str] = []

    async def make(text: str, name: str | None) -> Thing:
        made.append(text)
        return Thing(text, size=len(text))

    return Sightings(make, most=most, most_bytes=most_bytes), made


async def test_what_is_seen_once_is_not_made() -> None:
    sightings, made = kept()
    assert [await sightings.get("a", None), await sightings.get("b", None), made] == [None, None, []]
    assert await sightings.get("a", None) is await sightings.get("a", None)
    assert made == ["a"]


async def test_another_name_is_another_operation() -> None:
    sightings, _ = kept()
    assert [await sightings.get("a", name) for name in (None, "A", "B")] == [None] * 3
    assert await sightings.get("a", "A") is not await sightings.get("a", "B")


async def test_what_was_not_used_the_longest_goes_first() -> None:
    sightings, made = kept(most=2)
    for text in "aabb":
        await sightings.get(text, None)
    await sightings.get("a", None)
    for text in "ccab":
        await sightings.get(text, None)
    assert (made, len(sightings)) == (["a", "b", "c"], 2)


async def test_a_stream_of_different_texts_takes_no_more_memory() -> None:
    sightings, made = kept(most=3, most_bytes=1000)
    for number in range(10_000):
        await sightings.get(f"text {number}", None)
    assert made == []
    assert len(sightings._seen_once) == 30
    for number in range(100):
        await sightings.get(f"text {number}", None)
        await sightings.get(f"text {number}", None)
    assert len(sightings) == 3


async def test_things_that_grow_push_others_out() -> None:
    sightings, _ = kept(most=10, most_bytes=10)
    for text in ("aa", "aa", "bb", "bb"):
        await sightings.get(text, None)
    newest = await sightings.get("bb", None)
    assert newest is not None
    newest.size = 9
    sightings.weigh("bb", None)
    assert (len(sightings), await sightings.get("bb", None)) == (1, newest)


async def test_what_is_larger_than_all_that_may_be_kept_is_made_once_and_drops_nothing() -> None:
    sightings, made = kept(most_bytes=10)
    for text in ("aa", "aa", "a long text", "a long text", "a long text", "a long text"):
        await sightings.get(text, None)
    assert (made, len(sightings)) == (["aa", "a long text"], 1)
    assert await sightings.get("aa", None)


async def test_what_grows_beyond_all_that_may_be_kept_is_dropped_alone() -> None:
    sightings, made = kept(most_bytes=10)
    for text in ("aa", "aa", "bb", "bb"):
        newest = await sightings.get(text, None)
    assert newest is not None
    newest.size = 11
    sightings.weigh("bb", None)
    assert [await sightings.get(text, None) for text in ("bb", "bb", "bb")] == [None] * 3
    assert (made, sightings.bytes, len(sightings)) == (["aa", "bb"], 2, 1)
