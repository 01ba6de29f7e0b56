"""What is kept within a number of bytes, whatever is put there."""

from app.cqrs.memory.bounded_cache import BoundedCache


def kept(most_bytes: int = 10, most: int | None = None) -> BoundedCache[str, str]:
    return BoundedCache(most_bytes, most)


def values(of: BoundedCache[str, str], keys: str) -> str:
    return "".join(value for key in keys if (value := of.get(key)))


def test_what_was_not_asked_for_the_longest_is_dropped_first() -> None:
    some = kept()
    for key in "abc":
        assert some.put(key, key.upper(), 3)
    assert values(some, "a") == "A"
    assert some.put("d", "D", 4)
    assert (values(some, "abcd"), some.bytes) == ("ACD", 10)


def test_what_takes_more_than_all_may_by_itself_drops_nothing() -> None:
    some = kept()
    some.put("a", "A", 10)
    assert not some.put("b", "B", 11)
    assert (values(some, "ab"), some.bytes, len(some)) == ("A", 10, 1)


def test_what_grows_drops_others_or_itself() -> None:
    some = kept()
    for key in "ab":
        some.put(key, key.upper(), 3)
    assert some.weigh("b", 8)
    assert (values(some, "ab"), some.bytes) == ("B", 8)
    assert not some.weigh("b", 11)
    assert not some.weigh("b", 1)
    assert (len(some), some.bytes) == (0, 0)


def test_a_value_takes_the_place_of_another() -> None:
    some = kept()
    some.put("a", "A", 10)
    some.put("a", "B", 4)
    assert (values(some, "a"), some.bytes) == ("B", 4)


def test_no_more_values_are_kept_than_may_be() -> None:
    some = kept(1_000, most=2)
    for key in "abc":
        some.put(key, key.upper(), 1)
    assert (values(some, "abc"), some.bytes) == ("BC", 2)
