"""The commands that read the event log."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.text import Text

from app.command_line.terminal import BAD_SETTING, FAILED, DataDir, console, explained, settings_of, stop

if TYPE_CHECKING:
    from app.cqrs.log.events import EventLog, RecordedEvent
    from app.stores.sql.write_store import SqlWriteStore

PAUSE = 0.5
"""Seconds between two reads of the log when following it."""

_CHUNK = 500
_HIGHEST = 2**63 - 1

events = typer.Typer(
    no_args_is_help=True, help="Read the event log. The output shows personal data as it was recorded."
)


@events.command()
def tail(
    after: Annotated[
        int | None, typer.Option(min=0, max=_HIGHEST, help="Begin with the first event after this position.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of events.")] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for new events and show them, until Ctrl-C.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Show the newest events, or the events after a position, one line each."""

    async def show_lines(log: "SqlWriteStore") -> None:
        start = max(0, await log.head() - limit) if after is None else after
        async for event in _events(log, start, limit, follow=follow):
            if console.is_terminal:
                console.print(_line(event), no_wrap=True, overflow="ellipsis")
            else:
                console.print(_line(event), soft_wrap=True)

    try:
        _with_log(show_lines, data_dir)
    except KeyboardInterrupt:
        raise typer.Exit from None


@events.command()
def show(
    event: Annotated[str, typer.Argument(metavar="POSITION|EVENT-ID", help="Position or id of the event.")],
    data_dir: DataDir = None,
) -> None:
    """Show one event with everything that is stored about it, as JSON."""
    which = _position_or_id(event)

    async def show_envelope(log: "SqlWriteStore") -> None:
        envelope = await log.envelope(which)
        if envelope is None:
            stop(f"There is no event {event}. The newest event is at position {await log.head()}.", FAILED)
        envelope["data"] = json.loads(envelope["data"])
        envelope["occurred_at"] = envelope["occurred_at"].isoformat()
        console.print_json(data=envelope, default=str, ensure_ascii=False)

    _with_log(show_envelope, data_dir)


def _with_log(use: Callable[["SqlWriteStore"], Awaitable[None]], data_dir: Path | None) -> None:
    settings = settings_of(data_dir=data_dir)
    if not settings.database_url and not settings.write_store_file.exists():
        stop(f"There is no write store in {settings.data_dir}. Create one with `serve` or `demo`.", FAILED)

    from app.cqrs.unavailable import WriteStoreUnavailable
    from app.halves.commanding import open_write_side

    async def open_and_use() -> None:
        async with open_write_side(settings) as write_side:
            await use(write_side.log)

    with explained(WriteStoreUnavailable, exit_code=FAILED):
        asyncio.run(open_and_use())


async def _events(log: "EventLog", after: int, limit: int, *, follow: bool) -> AsyncIterator["RecordedEvent"]:
    """Yield the next `limit` events; with `follow`, yield all later ones too and wait for new ones."""
    shown = 0
    while follow or shown < limit:
        found: Sequence[RecordedEvent] = await log.read(
            after=after, limit=_CHUNK if follow else min(_CHUNK, limit - shown)
        )
        for event in found:
            for part in event.parts:
                yield part
            after = event.position
        shown += len(found)
        if not found:
            if not follow:
                return
            await asyncio.sleep(PAUSE)


def _line(event: "RecordedEvent") -> Text:
    from app.cqrs.log.events import UnknownEvent, UnreadableEvent
    from app.cqrs.messages import encode

    match event.event:
        case UnknownEvent(data=data):
            pass
        case UnreadableEvent(reason=reason):
            data = f"can't be read: {reason}"
        case known:
            data = encode(known)
    return Text.assemble(
        (f"{event.position:>8}  ", "bold"),
        (f"{event.occurred_at:%Y-%m-%d %H:%M:%S}  ", "dim"),
        (f"{event.type:<20}  ", "cyan"),
        f"{event.stream:<45}  {event.actor:<12}  ",
        (data, "dim"),
    )


def _position_or_id(text: str) -> int | UUID:
    try:
        return min(int(text), _HIGHEST) if text.isascii() and text.isdigit() else UUID(text)
    except ValueError:
        stop(
            f"{text} is neither a position nor an event id. Give a number such as 471, or a UUID.",
            BAD_SETTING,
        )
