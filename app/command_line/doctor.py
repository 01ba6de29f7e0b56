"""The command that examines a service and its stores."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from app.command_line.terminal import DataDir, console, settings_of

_COLORS = {"ok": "green", "warning": "yellow", "problem": "red"}
_EXIT_CODES = {"ok": 0, "warning": 1, "problem": 2}


def doctor(
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of results as JSON.")] = False,
) -> None:
    """Examine settings, stores, migrations, clocks, indexes and read models, and say what to do.

    It changes nothing, and may run beside the service. Exit code 0: all is well. 1: there are warnings.
    2: there are problems that keep the service from working.
    """
    settings = settings_of(data_dir=data_dir)

    from app.command_line.diagnoses import Diagnosis
    from app.command_line.examinations import examined

    async def diagnoses() -> list[Diagnosis]:
        return [diagnosis async for diagnosis in examined(settings)]

    found = asyncio.run(diagnoses())
    if as_json:
        typer.echo(
            json.dumps([asdict(each) for each in found], indent=2, default=lambda verdict: verdict.value)
        )
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for each in found:
            verdict = each.verdict.value
            said = f"{each.found}\n{each.advice}".strip()
            table.add_row(escape(each.subject), f"[{_COLORS[verdict]}]{verdict}[/]", escape(said))
        console.print(table)
    raise typer.Exit(max(_EXIT_CODES[each.verdict.value] for each in found))
