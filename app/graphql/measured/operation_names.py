"""The type and the name of an operation, found in its text without parsing all of that."""

import re
from functools import lru_cache
from typing import NamedTuple

LONGEST_SEARCHED = 20_000
"""Characters of a text that are searched for its operation; more would hold up others for too long."""

LONGEST_REMEMBERED = 2_000
"""Characters of a text that is remembered with its operation; an answer at once has no longer one."""

LONGEST_NAME = 100
"""Characters of an operation's name in a trace."""

_PARTS = re.compile(r'"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*|[{}()]|@?[_A-Za-z]\w*', re.DOTALL)
_TYPES = frozenset({"query", "mutation", "subscription"})


class NamedOperation(NamedTuple):
    """The type of an operation, and its name; each is empty if there is none, or if it is unknown."""

    type: str = ""
    name: str = ""


def operation_in_text(text: str, name: str | None) -> NamedOperation:
    """Return the operation of this name in a valid text, or its first one without a name."""
    return (_found_before if len(text) <= LONGEST_REMEMBERED else _found)(text, name)


def _found(text: str, name: str | None) -> NamedOperation:
    depth = 0
    words: list[str] = []
    for match in _PARTS.finditer(text, 0, LONGEST_SEARCHED):
        part = match[0]
        if part == "{" and depth == 0:  # the end of a definition's head
            kind, found, *_ = (*words, "", "") if words else ("query", "")
            found = "" if found.startswith("@") else found
            if kind in _TYPES and (not name or found == name):
                return NamedOperation(kind, found[:LONGEST_NAME])
        if part in ("{", "("):
            depth += 1
        elif part in ("}", ")"):
            depth -= 1
            if part == "}" and depth == 0:
                words = []
        elif depth == 0 and part[0] not in '"#':
            words.append(part)
    return NamedOperation()


_found_before = lru_cache(256)(_found)
