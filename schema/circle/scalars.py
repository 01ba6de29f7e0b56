"""The scalars of the schema: custom ones, and stricter forms of the usual ones."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NewType
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from app.graphql.execution.json_values import big_int_text, datetime_text

ConsistencyToken = NewType("ConsistencyToken", str)
Position = NewType("Position", int)
BigInt = NewType("BigInt", int)

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T((?:[01][0-9]|2[0-3]):[0-5][0-9]):([0-5][0-9]|60)(?:\.([0-9]{1,9}))?"
    r"(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
    re.IGNORECASE,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

LONGEST_DECIMAL = 1_000
"""Characters of a decimal, which may have many zeros."""

SHOWN_OF_WRONG = 40
"""The number of characters of a wrong value that the error message repeats."""


def _text(value: object, what: str, example: str) -> str:
    if not isinstance(value, str):
        raise GraphQLError(f"{what} is written as a string, such as {example}.")
    return value


def _wrong(text: str, what: str, advice: str) -> GraphQLError:
    return GraphQLError(f'"{text[:SHOWN_OF_WRONG]}" is not a {what}. {advice}')


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise GraphQLError('A Decimal is written as a string, such as "19.90".')
    text = str(value)
    if len(text) > LONGEST_DECIMAL:  # Its digits would be counted for a long time.
        raise GraphQLError("A Decimal has at most 34 digits.")
    if not _DECIMAL.fullmatch(text):
        raise _wrong(text, "Decimal", 'Write it like "19.90".')
    parsed = Decimal(text)
    if len(parsed.as_tuple().digits) > 34 or abs(parsed.adjusted()) > 34:
        raise GraphQLError("A Decimal has at most 34 digits.")
    # Otherwise a repeated command with 4.90 instead of 4.9 would count as another input.
    return parsed.normalize() + 0


def _datetime(value: object) -> datetime:
    """Parse a DateTime of RFC 3339, to the millisecond; a leap second becomes the second after it."""
    text = _text(value, "A DateTime", '"2026-01-31T12:00:00.000Z"')
    found = _DATETIME.fullmatch(text)
    if found is None:
        raise _wrong(
            text,
            "DateTime",
            "Write date, time with seconds (with up to nine decimals), and offset: "
            '"2026-01-31T12:00:00.000Z" or "2026-01-31T13:00:00+01:00".',
        )
    day, minute, second, fraction, offset = found.groups()
    leap = second == "60"
    # Cut and not rounded: a moment in the past must not become one in the future.
    milliseconds = (fraction or "")[:3].ljust(3, "0")
    whole = f"{day}T{minute}:{'59' if leap else second}.{milliseconds}{offset.upper()}"
    try:
        parsed = datetime.fromisoformat(whole).astimezone(UTC) + timedelta(seconds=leap)
    except OverflowError:
        raise GraphQLError("A DateTime lies between the years 1 and 9999 in UTC.") from None
    except ValueError:
        raise _wrong(text, "DateTime", f"There is no day {day}.") from None
    if leap and (parsed.day, parsed.hour, parsed.minute, parsed.second) != (1, 0, 0, 0):
        raise _wrong(text, "DateTime", "Only the last minute of a month in UTC can have a second 60.")
    return parsed


def _date(value: object) -> date:
    text = _text(value, "A Date", '"2026-01-31"')
    if not _DATE.fullmatch(text):
        raise _wrong(text, "Date", 'Write it like "2026-01-31".')
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong(text, "Date", "There is no such day.") from None


def _uuid(value: object) -> UUID:
    example = '"0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f"'
    text = _text(value, "A UUID", example)
    if not _UUID.fullmatch(text):
        raise _wrong(text, "UUID", f"Write its 32 hexadecimal digits in five groups, like {example}.")
    return UUID(text)


def _token(value: object) -> str:
    return _text(value, "A ConsistencyToken", "the one of a receipt")


def _position(value: object) -> int:
    text = _text(value, "A Position", '"471"')
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise GraphQLError("A Position is a whole number of at most 18 digits.")
    return int(text)


def _big_int(value: object) -> int:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _INTEGER.fullmatch(text):
        raise GraphQLError('A BigInt is a whole number, written as a string such as "5000000000".')
    if not -(2**63) <= int(text) < 2**63:
        raise GraphQLError("A BigInt has at most 64 bits.")
    return int(text)


SCALARS: dict[object, ScalarDefinition] = {
    ConsistencyToken: strawberry.scalar(
        name="ConsistencyToken",
        description=(
            "An opaque token for a point in the history of the store. Of two tokens, the later one is the "
            "greater string. A query with a token reflects at least that point; a subscription resumes "
            "right after it."
        ),
        serialize=str,
        parse_value=_token,
    ),
    Position: strawberry.scalar(
        name="Position",
        description="The position of an event in the log: a 64-bit integer, as a string, that rises in "
        "commit order.",
        serialize=str,
        parse_value=_position,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description=(
            "A 64-bit integer, as a string, for sums that may exceed an `Int` or the exact numbers of "
            "JavaScript."
        ),
        serialize=big_int_text,
        parse_value=_big_int,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number, as a string such as "19.90".',
        serialize=str,
        parse_value=_decimal,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            'A date and time with an offset (RFC 3339), such as "2026-01-31T13:00:00+01:00". Inputs may have '
            "up to nine decimals of a second, and are cut to milliseconds. Results are in UTC, with "
            'milliseconds, such as "2026-01-31T12:00:00.000Z".'
        ),
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        serialize=datetime_text,
        parse_value=_datetime,
    ),
    date: strawberry.scalar(
        name="Date",
        description='A calendar date (ISO 8601), such as "2026-01-31".',
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
    """Return the value of a field that has no resolver: by its name, from a document or an object."""
    return source[name] if isinstance(source, dict) else getattr(source, name)
