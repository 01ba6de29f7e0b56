"""A search as filters: one for all that it finds, and one for each rank.

Everything that knows how searches are carried out is in this package: documents hold what `search_entries`
returns, and listings take a `Search`. Each search engine follows the same filters.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from app.cqrs.documents.read_model import Filter
from app.cqrs.searching.entries import EXACT, LONGEST_BEGINNING, WHOLE
from app.cqrs.searching.typing_errors import forgives, variants_asked
from app.cqrs.searching.words import FEWEST_DIGITS, digits_of, squeezed, words_asked

MOST_RANKED = 10
"""Words of a search whose results are ranked; the filters of a longer one would become very large."""

_NOTHING: Filter = {"_id": {"$in": []}}
_NUMBER = re.compile(r"[\s+(]*\d[\d\s()+./-]*[\s()./-][\d\s()./-]*\d\s*")
"""Digits in several groups, such as a telephone number."""


@dataclass(frozen=True)
class Search:
    """The words of a search; some may be known to be misspelt."""

    text: str
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The fields that it looks into, as clients know them, each with its paths in a document."""
    misspelt: frozenset[str] = frozenset()
    """Words that occur nowhere, and stand for words that differ by one letter."""

    @classmethod
    def of(cls, text: str | None, fields: Mapping[str, Sequence[str]]) -> Self | None:
        """Return the search for a text; `None` if there is none."""
        return None if text is None else cls(text, fields)

    @cached_property
    def words(self) -> Sequence[str]:
        """The words to find; empty if the text has none, and the search finds nothing."""
        return words_asked(self.text)

    @cached_property
    def may_be_misspelt(self) -> Sequence[str]:
        """The words that may be misspelt, and are not known to be; none in a search of very many words."""
        if len(self.words) > MOST_RANKED:
            return []
        return [word for word in self.words if forgives(word) and word not in self.misspelt]

    def forgiving(self, misspelt: Collection[str]) -> Self:
        """Return the search with some of its words known to be misspelt."""
        return replace(self, misspelt=self.misspelt | frozenset(misspelt))

    @cached_property
    def filter(self) -> Filter:
        """The filter for all that the search finds: a word of a document begins with each of its words."""
        each: list[Filter] = [self._begun(word) for word in self.words]
        if not each:
            return _NOTHING
        if self.number:
            return {"$or": [{"$and": each}, beginning_with(self.number)]}
        return {"$and": each}

    @cached_property
    def ranks(self) -> Sequence[Filter]:
        """Filters that together match what `filter` does, each document by one of them, the best first.

        A code comes first. Then come those that have every word whole in the title, those that have it
        whole anywhere, beginnings of words in the title, and beginnings of words anywhere.
        """
        if not self.words or len(self.words) > MOST_RANKED:
            return [self.filter]
        code = {"terms": EXACT + (self.number or squeezed(self.text)), **self.filter}
        ranks: list[Filter] = [code]
        if not self.number:
            ranks += [
                {"$and": [self._whole_in_title(word) for word in self.words]},
                {"$and": [self._whole(word) for word in self.words]},
                {"$and": [self._begun_in_title(word) for word in self.words]},
            ]
        ranks.append(self.filter)
        # Misspelt words have no beginnings: some ranks are the same then, and would be read twice.
        ranks = [rank for number, rank in enumerate(ranks) if rank not in ranks[:number]]
        # A document of an earlier rank has what made it one: it need not match the whole filter again.
        earlier: list[Filter] = [{"terms": code["terms"]}, *ranks[1:]]
        return [
            {"$and": [rank, {"$nor": earlier[:number]}]} if number else rank
            for number, rank in enumerate(ranks)
        ]

    @cached_property
    def number(self) -> str:
        """The digits if the text may be a telephone number, as it is stored from some digit on."""
        digits = digits_of(self.text).lstrip("0") if _NUMBER.fullmatch(self.text) else ""
        return digits if len(digits) >= FEWEST_DIGITS else ""

    def _begun(self, word: str) -> Filter:
        if word in self.misspelt:
            return {"near": {"$in": variants_asked(word)}}
        return beginning_with(word)

    def _whole(self, word: str) -> Filter:
        return self._begun(word) if word in self.misspelt else {"words": word}

    def _whole_in_title(self, word: str) -> Filter:
        return self._near_title(word) if word in self.misspelt else {"terms": word + WHOLE}

    def _begun_in_title(self, word: str) -> Filter:
        if word in self.misspelt:
            return self._near_title(word)
        if len(word) <= LONGEST_BEGINNING:
            return {"terms": word}
        return {"terms": {"$regex": f"^{re.escape(word)}"}}  # Only whole words are longer among the terms.

    def _near_title(self, word: str) -> Filter:
        return {"near": {"$in": variants_asked(word, title=True)}}


def beginning_with(word: str) -> dict[str, Any]:
    """Return the filter for documents that have a word that begins with `word`."""
    return {"words": {"$regex": f"^{re.escape(word)}"}}
