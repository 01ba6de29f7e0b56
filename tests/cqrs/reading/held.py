"""All that an object holds, to show that nothing is left of an answer that is no more."""

from collections.abc import Iterator


def held(thing: object) -> set[object]:
    """Return the keys of all dictionaries and the members of all sets in an object."""
    return set(_held(vars(thing).values()))


def _held(things: object) -> Iterator[object]:
    for thing in things if hasattr(things, "__iter__") else ():
        if isinstance(thing, dict):
            yield from thing
            yield from _held(thing.values())
        elif isinstance(thing, set):
            yield from thing
        elif hasattr(thing, "__dict__"):
            yield from _held(vars(thing).values())
