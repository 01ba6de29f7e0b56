"""The commands that rebuild a read model, end a rebuild, and return to the documents of before."""

import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from app.command_line.interrupts.telling import interruptible
from app.command_line.read_models.asking import Url, ask, chosen
from app.command_line.terminal import BAD_SETTING, FAILED, console, errors, stop
from app.web.command_line import ABORT, NAMES, REBUILD, REBUILDS, ROLL_BACK

KEPT = "1h"
"""The time for which the documents of before are kept, unless another one is given."""

GOES_ON = "The rebuild goes on. `projections status` shows it, and `projections abort` ends it."

POLLED_EVERY = 0.5
"""Seconds between two questions for the progress of a rebuild."""

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_UNDER_WAY = ("BUILDING", "VERIFYING")
_DONE = ("SWITCHED", "FINISHED")
_COLORS = {
    "FAILED": "red",
    "DIFFERENT": "red",
    **dict.fromkeys(_UNDER_WAY, "yellow"),
    **dict.fromkeys(_DONE, "green"),
}

_Rebuild = dict[str, Any]


def _seconds(text: str) -> int:
    """Return the seconds in a text such as `90`, `30m`, `1h` or `2d`."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text.strip())
    if not found:
        raise typer.BadParameter(f"{text} is no time. Give seconds, or a number with m, h or d, such as 90m.")
    return int(found[1]) * _SECONDS[found[2]]


Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the read model.")]


def rebuild(
    context: typer.Context,
    name: Name,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long the documents of before are kept up to date for a rollback, such as 90m.",
            show_default=KEPT,
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Compare both before the new documents serve; stop if any differs."),
    ] = False,
    accept: Annotated[
        bool,
        typer.Option("--accept-differences", help="Have new documents serve that were found to differ."),
    ] = False,
    document: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Make only this document anew, as comparisons name it."),
    ] = None,
    stream: Annotated[
        str | None,
        typer.Option(help="Make only the documents anew that events of this stream concern."),
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(
            "--from",
            metavar="POSITION",
            help="Make only the documents anew that events from this position on concern.",
        ),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Show the progress until the rebuild has ended.")] = True,
    url: Url = None,
) -> None:
    """Build a read model anew from the log, beside the documents that serve until it is done.

    Chosen documents are made anew from all events about them, and replaced together at once.
    """
    url, seconds = chosen(context, url), _seconds(keep or KEPT)
    chosen_by = {"documentId": document, "stream": stream, "fromPosition": since}
    if choice := {key: str(value) for key, value in chosen_by.items() if value is not None}:
        if keep or verify or accept:
            stop(
                "--keep, --verify and --accept-differences are for whole read models. Leave them out.",
                BAD_SETTING,
            )
        _remake(url, _known_name(url, name), choice)
        return
    _order(url, REBUILD, name, keepSeconds=seconds, verify=verify, acceptDifferences=accept)
    if not wait:
        console.print(f"The rebuild of {_known_as(name)} has begun. `projections status` shows the progress.")
        return
    with interruptible(GOES_ON):
        rebuilt = _watched(url, _known_as(name))
    if rebuilt["state"] not in _DONE:
        stop(_said_of(rebuilt), FAILED)
    console.print(_said_of(rebuilt))


def abort(context: typer.Context, name: Name, url: Url = None) -> None:
    """End the rebuild of a read model before its new documents serve, and drop these."""
    _order(chosen(context, url), ABORT, name)
    console.print(f"The rebuild of {_known_as(name)} was ended. Its documents are as before.")


def rollback(context: typer.Context, name: Name, url: Url = None) -> None:
    """Have the documents from before the last rebuild serve again, which are up to date."""
    _order(chosen(context, url), ROLL_BACK, name)
    console.print(f"The documents of {_known_as(name)} from before the rebuild serve again.")


def show_rebuilds(url: str) -> None:
    """Print the newest rebuild of each read model, if there was any."""
    rebuilds = _rebuilds(url, may_be_hidden=True)  # Staff may see the read models, and not this.
    if not rebuilds:
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("rebuild of", no_wrap=True)
    for heading in ("position", "events/s", "seconds left"):
        table.add_column(heading, justify="right")
    table.add_column("state")
    table.add_column("reason", overflow="fold")
    for name, each in rebuilds.items():
        left = each["secondsLeft"]
        table.add_row(
            name,
            each["position"],
            f"{each['eventsPerSecond']:,.0f}",
            "" if left is None else f"{left:,.0f}",
            f"[{_COLORS.get(each['state'], 'none')}]{each['state']}[/]",
            escape(each["reason"] or ""),
        )
    console.print()
    console.print(table)


def refuse_unknown(wanted: Collection[str], known: Collection[str]) -> None:
    """End the program with a message if a read model is not known."""
    if unknown := [name for name in wanted if name not in known]:
        stop(f"There is no read model {', '.join(unknown)}. Choose from: {', '.join(known)}.", BAD_SETTING)


def _order(url: str, mutation: str, name: str, **given: object) -> None:
    """Carry out a mutation, or end the program with the reason why it is refused."""
    answer = ask(url, mutation, input={"readModel": _known_name(url, name).upper(), **given})
    if refusals := [each["message"] for payload in answer.values() for each in payload["errors"]]:
        stop(" ".join(refusals), FAILED)


def _known_name(url: str, name: str) -> str:
    """Return the name of a read model in its usual form; end the program if the service has none."""
    known = ask(url, NAMES)["__type"]["enumValues"]
    refuse_unknown([_known_as(name)], [each["name"].lower() for each in known])
    return _known_as(name)


def _known_as(name: str) -> str:
    return name.lower().replace("-", "_")


def _remake(url: str, name: str, choice: dict[str, str]) -> None:
    """Have some documents made anew, and print what was different; end the program if it is refused."""
    chosen = {"readModel": name.upper(), **choice}
    with _bar(name) as (bar, task):
        while True:
            payload = ask(url, REBUILD, input=chosen)["rebuildReadModel"]
            if refusals := payload["errors"]:
                stop(" ".join(each["message"] for each in refusals), FAILED)
            made = payload["documents"]
            bar.update(task, completed=int(made["position"]), total=max(1, int(made["head"])))
            if made["isDone"]:
                break
    count = f"{made['count']:,} document{'s' if made['count'] != 1 else ''} of {name}"
    if not made["differing"]:
        console.print(f"{count}: nothing was different, and nothing was changed.")
        return
    more = made["differing"] - len(made["differences"])
    console.print(f"{count} made anew, of which {made['differing']:,} were different:")
    for each in made["differences"]:
        console.print(f"  {escape(each)}", soft_wrap=True)
    if more:
        console.print(f"  and {more:,} more")


def _rebuilds(url: str, *, may_be_hidden: bool = False) -> dict[str, _Rebuild]:
    found = ask(url, REBUILDS, may_be_hidden=may_be_hidden)["rebuildProgress"]
    return {each["readModel"].lower(): each for each in found or ()}


def _watched(url: str, name: str) -> _Rebuild:
    """Show the progress of a rebuild until it has ended or stands still; return its last state."""
    with _bar(name) as (bar, task):
        while True:
            rebuilt = _rebuilds(url)[name]
            left = rebuilt["secondsLeft"]
            bar.update(
                task,
                completed=int(rebuilt["position"]),
                total=max(1, int(rebuilt["head"])),
                pace=f"{rebuilt['eventsPerSecond']:,.0f} events/s",
                left="" if left is None else f"{left:,.0f} s left",
            )
            if rebuilt["state"] not in _UNDER_WAY:
                return rebuilt
            time.sleep(POLLED_EVERY)


@contextmanager
def _bar(name: str) -> Iterator[tuple[Progress, TaskID]]:
    columns = ("{task.description}", BarColumn(), "{task.completed:,} of {task.total:,}")
    texts = [each if isinstance(each, BarColumn) else TextColumn(each) for each in columns]
    shown = (*texts, TextColumn("{task.fields[pace]}"), TextColumn("{task.fields[left]}"))
    with Progress(*shown, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        yield bar, bar.add_task(name, total=1, pace="", left="")


def _said_of(rebuilt: _Rebuild) -> str:
    """Return what has become of a rebuild, and what can be done next."""
    name, state, reason = rebuilt["readModel"].lower(), rebuilt["state"], rebuilt["reason"]
    if state == "SWITCHED":
        until = datetime.fromisoformat(rebuilt["keptUntil"]).astimezone(UTC)
        return (
            f"The new documents of {name} serve, at position {rebuilt['position']}. "
            f"`projections rollback {name}` returns to those of before until {until:%Y-%m-%d %H:%M:%S} UTC."
        )
    if state == "FINISHED":
        return f"The new documents of {name} serve, at position {rebuilt['position']}."
    if state == "DIFFERENT":
        return (
            f"The documents of before still serve. {reason}.\n"
            f"Have the new ones serve with `projections rebuild {name} --accept-differences`, "
            f"or drop them with `projections abort {name}`."
        )
    if state == "FAILED":
        return (
            f"The documents of before still serve. The rebuild of {name} has failed: {reason}.\n"
            f"Remove the cause and call `projections rebuild {name}` again, or `projections abort {name}`."
        )
    return f"The rebuild of {name} was ended: it is {state}."
