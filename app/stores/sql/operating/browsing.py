"""Searches of the log for operators, from the newest event backwards.

They read the primary key, or the index of a stream, and at most `SEARCHED` events with it: indexes for the
other conditions would cost each command more than such a search costs. No row is locked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.cqrs.commands.outcomes import Receipt
from app.cqrs.log.browsing import SEARCHED, FoundEvents, WantedEvents
from app.cqrs.log.events import EventTypes, RecordedEvent
from app.stores.sql.codec import EventCodec
from app.stores.sql.transactions import HEAD, commands, events

MOST_SKEW = timedelta(minutes=1)
"""The time by which the clocks of processes may differ, if a search by time is to find their events."""

_ENTRIES = events.c


@dataclass(frozen=True, kw_only=True)
class _Span:
    """The positions that a search looks at."""

    after: int
    """The position before the first one."""
    to: int
    """The last position, inclusive."""


async def browse(
    connection: AsyncConnection, codec: EventCodec, wanted: WantedEvents, before: int | None, limit: int
) -> FoundEvents:
    """Return up to `limit` events with positions lower than `before`, as `EventArchive.browse` does."""
    whole = await _span(connection, wanted, before)
    limited = replace(whole, after=max(whole.after, whole.to - SEARCHED))
    if wanted.command_id is not None:
        limited = whole
    elif wanted.stream is not None:
        limited = replace(whole, after=await _limit_in_stream(connection, wanted.stream, whole))
    rows = await _rows(connection, codec, wanted, limited, limit, newest_first=True)
    is_full = len(rows) > limit
    return FoundEvents(
        events=await _parts(codec, rows[:limit], wanted),
        searched_to=(rows[limit].position if is_full else limited.after) + 1,
        has_more=is_full or limited.after > whole.after,
    )


async def browse_back(
    connection: AsyncConnection, codec: EventCodec, wanted: WantedEvents, after: int, limit: int
) -> FoundEvents:
    """Return up to `limit` events that come next after a position, as `EventArchive.browse_back` does."""
    whole = await _span(connection, wanted, None)
    whole = replace(whole, after=min(max(whole.after, after), whole.to))
    limited = replace(whole, to=min(whole.to, whole.after + SEARCHED))
    if wanted.command_id is not None:
        limited = whole
    elif wanted.stream is not None:
        limited = replace(whole, to=await _upper_limit_in_stream(connection, wanted.stream, whole))
    rows = await _rows(connection, codec, wanted, limited, limit, newest_first=False)
    is_full = len(rows) > limit
    return FoundEvents(
        events=await _parts(codec, rows[:limit][::-1], wanted),
        searched_to=rows[limit].position - 1 if is_full else limited.to,
        has_more=is_full or limited.to < whole.to,
    )


async def _rows(
    connection: AsyncConnection,
    codec: EventCodec,
    wanted: WantedEvents,
    span: _Span,
    limit: int,
    *,
    newest_first: bool,
) -> Sequence[Row[Any]]:
    """Return one row more than `limit`, if there are as many."""
    conditions = [*_conditions(wanted, codec.types)]
    if wanted.actor is not None:
        stored, forgotten = await codec.stored_actors(wanted.actor)
        among = _ENTRIES.actor.in_(stored)
        conditions.append(among if forgotten is None else among | _ENTRIES.actor.like(forgotten))
    order: ColumnElement[Any] = _ENTRIES.position
    if wanted.command_id is not None:
        positions = await _positions_of(connection, wanted.command_id)
        conditions.append(_ENTRIES.position.in_(positions))
    elif wanted.stream is not None:
        order = _ENTRIES.stream_version  # which has the order of the positions, and the index of the stream
    statement = (
        select(events)
        .where(_ENTRIES.position > span.after, _ENTRIES.position <= span.to, *conditions)
        .order_by(order.desc() if newest_first else order)
        .limit(limit + 1)
    )
    return (await connection.execute(statement)).all()


async def _span(connection: AsyncConnection, wanted: WantedEvents, before: int | None) -> _Span:
    """Return the positions before a position whose events may have been recorded at the wanted times."""
    to = (await connection.execute(HEAD)).scalar_one() if before is None else before - 1
    after = 0
    if wanted.at_to is not None:
        newest = select(_ENTRIES.position).where(_ENTRIES.event_id < _id_at(wanted.at_to, MOST_SKEW))
        to = min(to, await _first(connection, newest.order_by(_ENTRIES.event_id.desc())) or 0)
    if wanted.at_from is not None:
        oldest = select(_ENTRIES.position).where(_ENTRIES.event_id >= _id_at(wanted.at_from, -MOST_SKEW))
        first = await _first(connection, oldest.order_by(_ENTRIES.event_id))
        after = to if first is None else first - 1
    return _Span(after=min(after, to), to=to)


async def _limit_in_stream(connection: AsyncConnection, stream: str, span: _Span) -> int:
    """Return the position after which a search of a stream looks at `SEARCHED` events at most."""
    in_stream = select(_ENTRIES.stream_version).where(_ENTRIES.stream == stream)
    newest = in_stream.where(_ENTRIES.position <= span.to).order_by(_ENTRIES.stream_version.desc())
    last = await _first(connection, newest) or 0
    if last <= SEARCHED:
        return span.after
    limit = select(_ENTRIES.position).where(
        _ENTRIES.stream == stream, _ENTRIES.stream_version == last - SEARCHED
    )
    return max(span.after, await _first(connection, limit) or 0)


async def _upper_limit_in_stream(connection: AsyncConnection, stream: str, span: _Span) -> int:
    """Return the position up to which a search of a stream looks at `SEARCHED` events at most."""
    in_stream = select(_ENTRIES.stream_version).where(_ENTRIES.stream == stream)
    oldest = in_stream.where(_ENTRIES.position > span.after).order_by(_ENTRIES.stream_version)
    first = await _first(connection, oldest)
    limit = select(_ENTRIES.position).where(
        _ENTRIES.stream == stream, _ENTRIES.stream_version == (first or 0) + SEARCHED - 1
    )
    return min(span.to, await _first(connection, limit) or span.to)


async def _positions_of(connection: AsyncConnection, command_id: UUID) -> list[int]:
    """Return the positions of the events of all commands with this id, which their receipts name."""
    found = await connection.execute(select(commands.c.receipt).where(commands.c.command_id == command_id))
    receipts = [msgspec.json.decode(text, type=Receipt) for text in found.scalars()]
    return [mark.position for receipt in receipts for mark in receipt.events]


def _conditions(wanted: WantedEvents, types: EventTypes) -> Iterator[ColumnElement[bool]]:
    if wanted.types is not None:
        yield _ENTRIES.type.in_(sorted({name for each in wanted.types for name in types.stored_names(each)}))
    if wanted.stream is not None:
        yield _ENTRIES.stream == wanted.stream
    if wanted.correlation_id is not None:
        yield _ENTRIES.correlation_id == wanted.correlation_id
    if wanted.at_from is not None:
        yield _ENTRIES.occurred_at >= wanted.at_from
    if wanted.at_to is not None:
        yield _ENTRIES.occurred_at < wanted.at_to


async def _parts(
    codec: EventCodec, rows: Sequence[Row[Any]], wanted: WantedEvents
) -> Sequence[RecordedEvent]:
    """Return the events in rows, or those of their parts that are of a wanted type."""
    return [
        part
        for row, event in zip(rows, await codec.recorded(rows), strict=True)
        for part in event.parts
        if wanted.types is None or not {part.type, row.type}.isdisjoint(wanted.types)
    ]


def _id_at(moment: datetime, skew: timedelta) -> UUID:
    """Return the lowest id of an event that was recorded at this time or later: ids begin with the time."""
    milliseconds = int(moment.timestamp() * 1000) + int(skew.total_seconds() * 1000)
    return UUID(int=max(0, milliseconds) << 80)


async def _first(connection: AsyncConnection, statement: Select[int]) -> int | None:
    return (await connection.execute(statement.limit(1))).scalar_one_or_none()
