"""The commands that have a read model skip an event, and list such decisions."""

from typing import Annotated

import typer
from rich.markup import escape

from app.command_line.read_models.asking import Url, ask, chosen
from app.command_line.terminal import BAD_SETTING, FAILED, console, stop
from app.web.command_line import FRESHNESS, SKIP, SKIPPED


def skip(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the read model that has failed.")],
    event: Annotated[int, typer.Option(min=1, help="Position of the event at which it has failed.")],
    reason: Annotated[str, typer.Option(help="Reason. It stays in the log for good: name no person.")],
    url: Url = None,
) -> None:
    """Have a failed read model skip the event at which it stopped, for good. Its documents will lack it.

    Repair the cause and retry instead if you can: this can't be undone.
    """
    url = chosen(context, url)
    known = {each["readModel"].lower(): each["readModel"] for each in ask(url, FRESHNESS)["freshness"]}
    wanted = name.lower().replace("-", "_")
    if wanted not in known:
        stop(f"There is no read model {wanted}. Choose from: {', '.join(known)}.", BAD_SETTING)
    decision = {"readModel": known[wanted], "position": str(event), "reason": reason}
    outcome = ask(url, SKIP, input=decision)["skipEvent"]
    if outcome["errors"]:
        stop("\n".join(error["message"] for error in outcome["errors"]), FAILED)
    after = outcome["freshness"]
    if after["state"] == "FAILED":
        stop(f"{wanted} skips the event at {event}, and FAILED again: {after['reason']}", FAILED)
    console.print(
        f"{wanted} skips the event at {event}. It is {after['state']} at position {after['position']}."
    )


def skipped(context: typer.Context, url: Url = None) -> None:
    """List the events that operators have had read models skip."""
    found = ask(chosen(context, url), SKIPPED)["skippedEvents"]
    if not found:
        console.print("No event was skipped.")
        return
    for each in found:
        console.print(
            f"{each['readModel'].lower()} skips {escape(each['eventType'])} at {each['position']}, "
            f"as {escape(each['actor'])} decided on {each['skippedAt']}: {escape(each['reason'])}",
            soft_wrap=True,
        )
