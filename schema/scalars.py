"""The schema's own scalars, and stricter forms of the usual ones."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NewType
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

ConsistencyToken = NewType("ConsistencyToken", str)
Position = NewType("Position", int)

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")


def _text(value: object, what: str, example: str) -> str:
    if not isinstance(value, str):
        raise GraphQLError(f"{what} is written as a string, such as {example}.")
    return value


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise GraphQLError('A Decimal is written as a string, such as "19.90".')
    text = str(value)
    if not _DECIMAL.fullmatch(text):
        raise GraphQLError(f'"{text[:40]}" is not a Decimal. Write it like "19.90".')
    parsed = Decimal(text)
    if len(parsed.as_tuple().digits) > 34 or abs(parsed.adjusted()) > 34:
        raise GraphQLError("A Decimal has at most 34 digits.")
    return parsed.normalize() + 0  # so that 4.9 and 4.90 are the same input


def _datetime(value: object) -> datetime:
    text = _text(value, "A DateTime", '"2026-01-31T12:00:00Z"')
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise GraphQLError('A DateTime has a date, a time and an offset: "2026-01-31T12:00:00Z".')
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        raise GraphQLError("A DateTime lies between the years 1 and 9999 in UTC.") from None


def _date(value: object) -> date:
    try:
        return date.fromisoformat(_text(value, "A Date", '"2026-01-31"'))
    except ValueError:
        raise GraphQLError('A Date is written as "2026-01-31".') from None


def _uuid(value: object) -> UUID:
    try:
        return UUID(_text(value, "A UUID", '"0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f"'))
    except ValueError:
        raise GraphQLError("A UUID has 32 hexadecimal digits.") from None


def _token(value: object) -> str:
    return _text(value, "A ConsistencyToken", "the one of a receipt")


def _position(value: object) -> int:
    text = _text(value, "A Position", '"471"')
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise GraphQLError("A Position is a whole number of at most 18 digits.")
    return int(text)


SCALARS: dict[object, ScalarDefinition] = {
    ConsistencyToken: strawberry.scalar(
        name="ConsistencyToken",
        description=(
            "A place in the store's history, opaque, but the later of two is the greater text. A read that "
            "carries it sees at least what its giver saw; a subscription that carries it goes on from there."
        ),
        serialize=str,
        parse_value=_token,
    ),
    Position: strawberry.scalar(
        name="Position",
        description="An event's place in the log, a 64-bit integer written as a string.",
        serialize=str,
        parse_value=_position,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number, written as a string such as "19.90".',
        serialize=str,
        parse_value=_decimal,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description='A moment with its offset, such as "2026-01-31T12:00:00+00:00" (ISO 8601).',
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=datetime.isoformat,
        parse_value=_datetime,
    ),
    date: strawberry.scalar(
        name="Date",
        description='A day, such as "2026-01-31" (ISO 8601).',
        specified_by_url="https://scalars.graphql.org/andimarek/local-date",
        serialize=str,
        parse_value=_date,
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="A universally unique identifier (RFC 9562).",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc9562",
        serialize=str,
        parse_value=_uuid,
    ),
}


def read_field(source: Any, name: str) -> Any:
    """How a field without a resolver of its own is read: by name, from a document or an object."""
    return source[name] if isinstance(source, dict) else getattr(source, name)
