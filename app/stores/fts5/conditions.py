"""Filters of searches as conditions of SQL, with the words in one expression of FTS5."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.cqrs.documents.read_model import Filter
from app.stores.fts5.sortable import MISSING, NotSortable, sortable
from app.stores.fts5.tables import KEY, WORDS, Tables

_NO_TOKEN = re.compile(r"[^a-z0-9+#=_\u0080-\U0010ffff]")
_BEGINNING = re.compile(r"\^((?:[^\\^$.|?*+()\[\]{}]|\\[^a-zA-Z0-9])+)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_COMPARISONS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


class NotTranslatable(Exception):
    """A filter or order that MongoDB alone can follow."""


@dataclass(frozen=True)
class Conditions:
    """A filter: an expression of FTS5 over the words, and SQL over the columns `d`, with its parameters."""

    match: str
    where: str
    parameters: Sequence[str]


def has_words(filter: Filter) -> bool:
    """Return whether a filter asks for words."""
    return any(
        any(map(has_words, condition)) if path.startswith("$") else path in WORDS
        for path, condition in filter.items()
    )


def token(text: str) -> str:
    """Return a text as FTS5 is given it, without spaces; raise `NotTranslatable`."""
    found = text.replace(" ", "_")
    if not found or _NO_TOKEN.search(found):
        raise NotTranslatable("a text that is no word")
    return found


def conditions(filter: Filter, tables: Tables) -> Conditions:
    """Return a filter as conditions on the tables of a collection; raise `NotTranslatable`."""
    found, excluded, where, parameters = [], [], [], list[str]()
    for path, condition in _conjuncts(filter):
        one = {path: condition}
        if path == "$nor" and has_words(one):
            excluded += [_match(each) for each in condition]
        elif has_words(one):
            found.append(_match(one))
        elif bound := _bound(path, condition):
            operator, values = bound
            where.append(tables.beyond(operator))
            parameters += values
        else:
            where.append(_sql(one, tables.columns, parameters))
    if not found:
        raise NotTranslatable("no words")
    match = " AND ".join(found)
    if excluded:
        match = f"({match}) NOT ({' OR '.join(excluded)})"
    return Conditions(match, "".join(f" AND {each}" for each in where), parameters)


def _conjuncts(filter: Filter) -> Iterator[tuple[str, Any]]:
    for path, condition in filter.items():
        if path == "$and":
            for each in condition:
                yield from _conjuncts(each)
        else:
            yield path, condition


def _match(filter: Filter) -> str:
    """Return a filter on nothing but words as an expression of FTS5."""
    parts = [_match_one(path, condition) for path, condition in filter.items()]
    return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"


def _match_one(path: str, condition: Any) -> str:
    if path in ("$and", "$or") and condition:
        return f"({f' {path[1:].upper()} '.join(map(_match, condition))})"
    if path not in WORDS:
        raise NotTranslatable(path)
    match condition:
        case str():
            return f'{path}: "{token(condition)}"'
        case {"$regex": str(pattern)} if beginning := _BEGINNING.fullmatch(pattern):
            text = _ESCAPED.sub(r"\1", beginning[1])
            return f'{path}: "{token(text)}" *'
        case {"$in": [_, *_] as texts}:
            either = " OR ".join(f'"{token(text)}"' for text in texts)
            return f"{path}: ({either})"
    raise NotTranslatable(path)


def _bound(path: str, condition: Any) -> tuple[str, list[str]] | None:
    """Return the operator and values of a condition for all rows before or after some values of `KEY`."""
    first, then = KEY
    if path != "$or" or [list(each) for each in condition] != [[first], [first, then]]:
        return None
    further, beside = condition
    for operator in ("$gt", "$lt"):
        if further[first] == {operator: beside[first]} and {operator} == {*beside[then]}:
            return _COMPARISONS[operator], [_text(beside[first]), _text(beside[then][operator])]
    return None


def _sql(filter: Filter, columns: Mapping[str, str], parameters: list[str]) -> str:
    """Return a filter without words as SQL, and append its parameters."""
    parts = [_sql_one(path, condition, columns, parameters) for path, condition in filter.items()]
    return f"({' AND '.join(parts)})" if parts else "TRUE"


def _sql_one(path: str, condition: Any, columns: Mapping[str, str], parameters: list[str]) -> str:
    if path in ("$and", "$or", "$nor"):
        joined = " AND " if path == "$and" else " OR "
        each = f"({joined.join(_sql(one, columns, parameters) for one in condition)})"
        return f"NOT {each}" if path == "$nor" else each
    if path not in columns:
        raise NotTranslatable(path)
    column = columns[path]
    if not isinstance(condition, dict):
        parameters.append(_text(condition))
        return f"{column} = ?"
    return " AND ".join(_compared(column, *each, parameters) for each in condition.items())


def _compared(column: str, operator: str, value: Any, parameters: list[str]) -> str:
    if operator == "$in":
        parameters += [_text(each) for each in value]
        return f"{column} IN ({', '.join('?' * len(value))})"
    if operator not in _COMPARISONS or value is None:
        raise NotTranslatable(operator)
    text = _text(value)
    # MongoDB compares with values of the same type only.
    parameters += [text, text[0], chr(ord(text[0]) + 1)]
    return f"({column} {_COMPARISONS[operator]} ? AND {column} >= ? AND {column} < ?)"


def _text(value: Any) -> str:
    try:
        text = sortable(value)
    except NotSortable as error:
        raise NotTranslatable(str(error)) from error
    if text == MISSING:
        raise NotTranslatable("no value")  # MongoDB finds documents without the path, too.
    return text
