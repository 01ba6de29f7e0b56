"""The media types that a client accepts, read from its `Accept` header."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
EVENTS = "text/event-stream"
MULTIPART = "multipart/mixed;subscriptionspec=1.0"
"""Apollo's multipart subscription protocol; without the parameter it would be some other one."""
PAGE = "text/html"

_SPECIFICATION = re.compile(r'\s*subscriptionspec\s*=\s*("?)1\.0\1\s*', re.IGNORECASE)
_QUALITY = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)

LONGEST_CACHED = 300
"""Bytes of a header that may be cached; its parsed form may take a hundred times as much."""


@dataclass(frozen=True)
class Accepted:
    """The media ranges that a client accepts, such as `text/*`, each with its quality from 0 to 1."""

    qualities: Mapping[str, float]

    @staticmethod
    def by(header: bytes) -> "Accepted":
        """Return what an `Accept` header accepts; an empty one accepts every media type."""
        return _cached(header) if len(header) <= LONGEST_CACHED else _read(header)

    def quality(self, media_type: str) -> float:
        """Return the quality of a media type, from 0 (not accepted) to 1; the most specific range decides."""
        ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
        return next((self.qualities[name] for name in ranges if name in self.qualities), 0)

    @cached_property
    def json(self) -> str:
        """The media type for JSON; the newer one only if the header names it."""
        newer = self.qualities.get(GRAPHQL_JSON, 0)
        return GRAPHQL_JSON if newer and newer >= self.quality(JSON) else JSON

    @cached_property
    def events(self) -> bool:
        """True if an event stream is accepted; some clients name it in every request, just in case."""
        return self.qualities.get(EVENTS, 0) > 0

    @cached_property
    def events_above_all(self) -> bool:
        """True if an event stream is preferred to JSON."""
        return self.qualities.get(EVENTS, 0) > self.quality(self.json)

    @cached_property
    def multipart(self) -> bool:
        """True if subscriptions are preferred in Apollo's multipart protocol, before an event stream."""
        return self.qualities.get(MULTIPART, 0) > self.qualities.get(EVENTS, 0)

    @cached_property
    def page_above_all(self) -> bool:
        """True if an HTML page is preferred to JSON, as by a browser that shows a page."""
        return self.quality(PAGE) > self.quality(self.json)


@lru_cache(200)
def _cached(header: bytes) -> Accepted:
    return _read(header)


def _read(header: bytes) -> Accepted:
    qualities: dict[str, float] = {}
    for each in header.decode("latin-1").split(","):
        media_range, *parameters = each.split(";")
        name = media_range.strip().lower()
        given = (match[1] for parameter in parameters if (match := _QUALITY.fullmatch(parameter)))
        if name == "multipart/mixed" and any(map(_SPECIFICATION.fullmatch, parameters)):
            name = MULTIPART
        if name:
            qualities[name] = max(float(next(given, "1")), qualities.get(name, 0))
    return Accepted(qualities or {"*/*": 1})
