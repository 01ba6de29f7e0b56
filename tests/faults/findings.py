"""What a check has to complain about."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    LOST = "lost"
    DOUBLED = "doubled"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.text}"


Findings = Iterator[Finding]


def lost(text: str) -> Finding:
    return Finding(Kind.LOST, text)


def doubled(text: str) -> Finding:
    return Finding(Kind.DOUBLED, text)


def wrong(text: str) -> Finding:
    return Finding(Kind.WRONG, text)
