"""Garbage collections leave out what is in no cycle; it is freed all the same, and nothing else is lost."""

import gc
from dataclasses import dataclass
from typing import Any
from weakref import ref

from app.cqrs.memory.untracking import untrack


@dataclass(frozen=True, kw_only=True)
class Node:
    parts: tuple["Node", ...] = ()
    content: object = None


class Slotted:
    __slots__ = ("__weakref__", "content")

    def __init__(self, content: object) -> None:
        self.content = content


class Thing:
    pass


def tree(depth: int) -> Node:
    parts = tuple([tree(depth - 1) for _ in range(3)]) if depth else ()
    node = Node(parts=parts, content=Slotted(Thing()))
    for each in (parts, node, node.content):
        untrack(each)
    return node


def test_garbage_collections_leave_it_out() -> None:
    node = tree(2)
    assert not any(map(gc.is_tracked, (node, node.parts, node.content, *node.parts)))
    gc.collect()
    assert not gc.is_tracked(node)


def test_it_is_freed_with_the_last_reference_to_it() -> None:
    gc.disable()
    try:
        node = tree(5)
        assert isinstance(node.content, Slotted)
        there: list[ref[Any]] = [ref(each) for each in (node, node.parts[2].parts[0], node.content)]
        there.append(ref(node.content.content))
        assert all(each() for each in there)
        del node
        assert not any(each() for each in there)
    finally:
        gc.enable()


def test_a_collection_keeps_everything_to_which_it_refers() -> None:
    kept = [tree(3) for _ in range(100)]
    for _ in range(3):
        gc.collect()
        kept = kept[::2] + [tree(2) for _ in range(50)]
    assert all(isinstance(node.content, Slotted) for node in kept)
    assert all(isinstance(node.content.content, Thing) for node in kept if isinstance(node.content, Slotted))


def test_it_can_be_said_twice_and_of_what_is_never_tracked() -> None:
    for thing in (tree(0), (), "text", 7, None):
        untrack(thing)
        untrack(thing)
        assert not gc.is_tracked(thing)
