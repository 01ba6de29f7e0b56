"""Documents that a batch makes: computed here and inserted together, which costs mongod a fifth."""

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from itertools import pairwise
from typing import Any

from app.cqrs.documents.read_model import Document

Operators = Mapping[str, Mapping[str, Any]]

_DECIMAL128 = Context(prec=34)
_MOST, _LEAST = 2**63 - 1, -(2**63)


class NotComputed(Exception):
    """mongod alone knows what comes of the update, or refuses it."""


def updated(document: Document, operators: Operators, *, inserted: bool) -> Document:
    """Return what an update makes of a document, as mongod would; raise `NotComputed`.

    `inserted` means that the update itself makes the document, by an upsert.
    """
    _refuse_conflicts([path for fields in operators.values() for path in fields])
    result = dict(document)
    for operator, fields in operators.items():
        if operator == "$setOnInsert" and not inserted:
            continue
        for path, value in fields.items():
            _change(result, path.split("."), operator, value)
    return result


def total(one: Any, other: Any) -> Any:
    """Return the sum of two numbers, as mongod adds them; both are of the type `int` or `Decimal`."""
    if type(one) is type(other) is int:
        return one + other
    return _DECIMAL128.add(Decimal(one), Decimal(other))


def _change(result: Document, steps: Sequence[str], operator: str, value: Any) -> None:
    inner = result
    for step in steps[:-1]:
        child = inner.get(step, {})
        if type(child) is not dict:
            raise NotComputed
        inner[step] = inner = dict(child)  # A copy: others may hold the one before.
    inner[steps[-1]] = _value(inner, steps[-1], operator, value)


def _value(inner: Document, key: str, operator: str, value: Any) -> Any:
    if operator in ("$set", "$setOnInsert"):
        return value
    if operator == "$inc":
        if key not in inner:
            return value
        if not {type(inner[key]), type(value)} <= {int, Decimal}:
            raise NotComputed
        new = total(inner[key], value)
        if type(new) is int and not _LEAST <= new <= _MOST:
            raise NotComputed
        return new
    if operator == "$push":
        items = inner.get(key, [])
        if type(items) is not list or (type(value) is dict and any(each.startswith("$") for each in value)):
            raise NotComputed
        return [*items, value]
    raise NotComputed


def _refuse_conflicts(paths: Sequence[str]) -> None:
    for path in paths:
        for step in path.split("."):
            if not step or step.isdigit() or step.startswith("$"):
                raise NotComputed
        if path.partition(".")[0] == "_id":
            raise NotComputed
    ordered = sorted(f"{path}." for path in paths)
    for first, then in pairwise(ordered):
        if then.startswith(first):
            raise NotComputed
