"""How a campaign's figures are told: a few lines for each run, and a table for the README of the folder."""

from collections.abc import Iterable
from statistics import median

from tests.faults.campaign import QUICK, Run
from tests.faults.findings import Kind

SHOWN = 20
"""So many findings are told; all of them are in the run's folder."""


def reported(run: Run) -> str:
    """What a run came to."""
    lines = [
        f"  {run.done} rounds in {run.seconds:.0f} s: {run.sent:,} requests for {run.commands:,} commands, "
        f"{run.acknowledged:,} acknowledged; {run.count(Kind.LOST)} lost, {run.count(Kind.DOUBLED)} doubled, "
        f"{run.count(Kind.WRONG)} otherwise wrong",
    ]
    if run.starts:
        quick = sum(seconds <= QUICK for seconds in run.starts)
        lines.append(
            f"  start to first acknowledged command: median {median(run.starts):.2f} s, "
            f"worst {max(run.starts):.2f} s; {quick} of {len(run.starts)} within {QUICK:g} s"
        )
    lines += [f"  {what}: worst {max(figures):.2f} s" for what, figures in run.figures.items()]
    lines += [f"  {note}" for note in run.notes]
    lines += [f"  FOUND {finding}" for finding in run.findings[:SHOWN]]
    if more := len(run.findings) - SHOWN:
        lines += [f"  and {more} more in {run.folder / 'findings.txt'}"] if more > 0 else []
    return "\n".join([*lines, f"  again: {run.repeat}"])


def table(runs: Iterable[Run]) -> str:
    """The figures in Markdown."""
    rows = [
        "",
        "| fault | store | rounds | commands acknowledged | lost or doubled |",
        "|---|---|--:|--:|--:|",
    ]
    for run in runs:
        bad = run.count(Kind.LOST) + run.count(Kind.DOUBLED)
        rows.append(f"| `{run.fault}` | {run.store} | {run.done:,} | {run.acknowledged:,} | {bad} |")
    return "\n".join(rows)
