"""The viewers who may see the documents of a collection, as the collection declares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.cqrs.viewers import Scope, Sight

NOTHING: Mapping[str, Any] = {"_id": {"$in": []}}
"""The filter that no document matches; a document store answers it without reading any."""


@dataclass(frozen=True)
class Audience:
    """The viewers who may see the documents of a collection.

    Viewers with `sight` see all of its documents. If there is an `owner`, the customer whose id a document
    has at that path sees the document, too. Nobody else learns that there is one.
    """

    sight: Sight | None
    """The lowest sight with which a viewer sees all documents; `None` if nobody does."""
    owner: str | None = None
    """The path to the id of the customer to whom a document belongs, or to a list of such ids."""

    def filter_for(self, scope: Scope) -> Mapping[str, Any]:
        """Return the filter for the documents that a viewer may see, which is empty for all of them."""
        if self.sight and scope.sight.includes(self.sight):
            return {}
        if self.owner and scope.customer is not None:
            return {self.owner: scope.customer}
        return NOTHING

    def limited(self, filter: Mapping[str, Any], scope: Scope) -> Mapping[str, Any]:
        """Return the filter for the documents that match `filter` and that a viewer may see."""
        seen = self.filter_for(scope)
        return {"$and": [seen, filter]} if seen and filter else seen or filter

    def includes(self, scope: Scope, document: Mapping[str, Any]) -> bool:
        """Return whether a viewer may see this document, which was read with its owner."""
        if self.sight and scope.sight.includes(self.sight):
            return True
        if self.owner is None or scope.customer is None:
            return False
        value: Any = document
        for step in self._steps:
            if value.__class__ is not dict:
                return _has(document, self._steps, scope.customer)
            value = value.get(step)
        return _has(value, (), scope.customer)

    @cached_property
    def _steps(self) -> Sequence[str]:
        return self.owner.split(".") if self.owner else ()

    def with_owner(self, fields: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Return the fields to read of a document, so that its owner is among them; `None` for all."""
        if fields is None or self.owner is None or self.owner in fields:
            return fields
        return (*fields, self.owner)


EVERYBODY = Audience(Sight.ANONYMOUS)
STAFF = Audience(Sight.STAFF)
OPERATORS = Audience(Sight.OPERATOR)
NOBODY = Audience(None)
"""The audience of a collection that declares none, with which the service does not start."""


def owner_at(path: str) -> Audience:
    """Return the audience of documents that belong to a customer, whose id each of them has at `path`."""
    return Audience(Sight.STAFF, path)


def _has(value: Any, steps: Sequence[str], id: str) -> bool:
    """Return whether a value has the id at a path, as document stores compare: each item of a list counts."""
    if not steps:
        return value == id or (isinstance(value, list) and id in value)
    if isinstance(value, list):
        return any(isinstance(each, Mapping) and _has(each, steps, id) for each in value)
    return isinstance(value, Mapping) and steps[0] in value and _has(value[steps[0]], steps[1:], id)
