"""Generations of a read model's documents: each program has its own, and one more for each rebuild."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from app.cqrs.fingerprints import DIGITS

# Before there were fingerprints, generations were numbered: v1, v2, …
_KEY = rf"(?P<name>.+)_(?P<fingerprint>v[0-9]+|[0-9a-f]{{{DIGITS}}})(?:\.(?P<number>[0-9]+))?"


@dataclass(frozen=True, order=True)
class Generation:
    """The documents of a read model that one version of the program has built from the log, once."""

    read_model: str
    fingerprint: str
    """The fingerprint of the code that determines the documents."""
    number: int = 1
    """1 for the first documents of this code; each rebuild has the next number."""

    @cached_property
    def key(self) -> str:
        """The name in the document store."""
        first = f"{self.read_model}_{self.fingerprint}"
        return first if self.number == 1 else f"{first}.{self.number}"

    @classmethod
    def of_key(cls, key: str) -> Self:
        """Return the generation with this name; raise `ValueError` if it is the name of none."""
        found = re.fullmatch(_KEY, key)
        if not found:
            raise ValueError(f"{key} is no generation of a read model")
        return cls(found["name"], found["fingerprint"], int(found["number"] or 1))

    @classmethod
    def keys_of(cls, read_model: str) -> str:
        """Return the regular expression, without anchors, of the keys of a read model's generations."""
        return (
            _KEY.replace("(?P<name>.+)", re.escape(read_model))
            .replace("?P<fingerprint>", "")
            .replace("?P<number>", "")
        )

    def is_of_same_code(self, other: "Generation") -> bool:
        """Return whether both are made by the same code, and so have the same documents."""
        return (self.read_model, self.fingerprint) == (other.read_model, other.fingerprint)

    def numbered(self, number: int) -> "Generation":
        """Return the generation of the same code with this number."""
        return Generation(self.read_model, self.fingerprint, number)
