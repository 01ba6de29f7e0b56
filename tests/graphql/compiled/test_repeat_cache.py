"""What is kept ready: at second sight, and within bounds whatever comes."""

from dataclasses import dataclass

from app.graphql.compiled.repeat_cache import RepeatCache


@dataclass
class Thing:
    text: str
    size: int = 10


def kept(*, most: int = 3, most_bytes: int = 100) -> tuple[RepeatCache[Thing], list[str]]:
    made: list[str] = []

    async def make(text: str, name: str | None) -> Thing:
        made.append(text)
        return Thing(text, size=len(text))

    return RepeatCache(make, most=most, most_bytes=most_bytes), made


async def test_what_is_seen_once_is_not_made() -> None:
    cache, made = kept()
    assert [await cache.get("a", None), await cache.get("b", None), made] == [None, None, []]
    assert await cache.get("a", None) is await cache.get("a", None)
    assert made == ["a"]


async def test_another_name_is_another_operation() -> None:
    cache, _ = kept()
    assert [await cache.get("a", name) for name in (None, "A", "B")] == [None] * 3
    assert await cache.get("a", "A") is not await cache.get("a", "B")


async def test_what_was_not_used_the_longest_goes_first() -> None:
    cache, made = kept(most=2)
    for text in "aabb":
        await cache.get(text, None)
    await cache.get("a", None)
    for text in "ccab":
        await cache.get(text, None)
    assert (made, len(cache)) == (["a", "b", "c"], 2)


async def test_a_stream_of_different_texts_takes_no_more_memory() -> None:
    cache, made = kept(most=3, most_bytes=1000)
    for number in range(10_000):
        await cache.get(f"text {number}", None)
    assert made == []
    assert len(cache._seen_once) == 30
    for number in range(100):
        await cache.get(f"text {number}", None)
        await cache.get(f"text {number}", None)
    assert len(cache) == 3


async def test_things_that_grow_push_others_out() -> None:
    cache, _ = kept(most=10, most_bytes=10)
    for text in ("aa", "aa", "bb", "bb"):
        await cache.get(text, None)
    newest = await cache.get("bb", None)
    assert newest is not None
    newest.size = 9
    cache.weigh("bb", None)
    assert (len(cache), await cache.get("bb", None)) == (1, newest)


async def test_what_is_larger_than_all_that_may_be_kept_is_made_once_and_drops_nothing() -> None:
    cache, made = kept(most_bytes=10)
    for text in ("aa", "aa", "a long text", "a long text", "a long text", "a long text"):
        await cache.get(text, None)
    assert (made, len(cache)) == (["aa", "a long text"], 1)
    assert await cache.get("aa", None)


async def test_what_grows_beyond_all_that_may_be_kept_is_dropped_alone() -> None:
    cache, made = kept(most_bytes=10)
    for text in ("aa", "aa", "bb", "bb"):
        newest = await cache.get(text, None)
    assert newest is not None
    newest.size = 11
    cache.weigh("bb", None)
    assert [await cache.get(text, None) for text in ("bb", "bb", "bb")] == [None] * 3
    assert (made, cache.bytes, len(cache)) == (["aa", "bb"], 2, 1)
