"""The commands that show, retry, rebuild and prune read models."""

import asyncio
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from app.command_line.read_models.asking import Url, ask, chosen
from app.command_line.read_models.rebuilding import abort, rebuild, refuse_unknown, rollback, show_rebuilds
from app.command_line.read_models.skipping import skip, skipped
from app.command_line.terminal import BAD_SETTING, FAILED, console, explained, settings_of, stop
from app.web.command_line import FRESHNESS, RETRY

_COLORS = {"LIVE": "green", "CATCHING_UP": "yellow", "FAILED": "red"}

_Model = dict[str, Any]

projections = typer.Typer(
    invoke_without_command=True,
    help="Show the lag of read models, retry failed ones, rebuild them, drop old documents.",
)


for command in (rebuild, abort, rollback, skip, skipped):
    projections.command()(command)


@projections.callback()
def _default(context: typer.Context, url: Url = None) -> None:
    context.obj = url
    if context.invoked_subcommand is None:
        status(context)


@projections.command()
def status(context: typer.Context, url: Url = None) -> None:
    """Show each read model's position, its lag behind the event log, and its state."""
    table = Table(box=None, pad_edge=False)
    table.add_column("read model", no_wrap=True)
    for heading in ("position", "head", "behind", "lag ms", "skipped"):
        table.add_column(heading, justify="right")
    table.add_column("state")
    table.add_column("reason", overflow="fold")
    url = chosen(context, url)
    for name, model in _read_models(url).items():
        table.add_row(
            name,
            model["position"],
            model["head"],
            f"{model['eventsBehind']:,}",
            f"{model['millisecondsBehind']:,.1f}",
            f"{model['eventsSkipped']:,}",
            f"[{_COLORS.get(model['state'], 'none')}]{model['state']}[/]",
            escape(model["reason"] or ""),
        )
    console.print(table)
    show_rebuilds(url)


@projections.command()
def retry(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Names of read models.")
    ] = None,
    all_failed: Annotated[bool, typer.Option("--all", help="Retry all failed read models.")] = False,
    url: Url = None,
) -> None:
    """Retry failed read models from the event at which they stopped. Repair the cause first."""
    url = chosen(context, url)
    known = _read_models(url)
    wanted = [name.lower().replace("-", "_") for name in names or ()]
    if all_failed:
        wanted += [name for name, model in known.items() if model["state"] == "FAILED"]
    refuse_unknown(wanted, known)
    if not wanted:
        if not all_failed:
            stop(
                "No read model is named. Name one, or give --all to retry all that have failed.", BAD_SETTING
            )
        console.print("No read model has failed.")
    failures = [failure for name in dict.fromkeys(wanted) if (failure := _retry(url, name, known[name]))]
    if failures:
        stop("\n".join(failures), FAILED)


@projections.command()
def prune() -> None:
    """Drop the documents in MONGODB_URL that older versions made. Stop their processes first."""
    settings = settings_of()
    if not settings.mongodb_url:
        console.print("There is nothing to do for the embedded mongod: `serve` drops old documents itself.")
        return

    from app.cqrs.projecting.generations import prune as prune_all
    from app.cqrs.unavailable import ReadStoreUnavailable
    from app.declared import read_models
    from app.stores.mongo.store import open_read_store

    async def open_and_prune() -> None:
        where = (str(settings.mongodb_url), settings.mongodb_database, settings.mongo_driver)
        async with open_read_store(*where) as store:
            dropped, kept = await prune_all(read_models(settings.days), store)
        for generation in dropped:
            console.print(f"{generation.key} was dropped. It was at position {generation.position}.")
        for name in kept:
            console.print(f"{name} keeps its older documents: this version's own are not as far yet.")
        if not dropped and not kept:
            console.print("There are no older documents.")

    with explained(ReadStoreUnavailable, exit_code=FAILED):
        asyncio.run(open_and_prune())


def _retry(url: str, name: str, before: _Model) -> str | None:
    """Retry a read model and print the outcome; return why it failed again, or `None`."""
    if before["state"] == "LIVE":
        console.print(f"{name} has not failed: it is LIVE at position {before['position']}.")
        return None
    after: _Model = ask(url, RETRY, readModel=before["readModel"])["retryReadModel"]["freshness"]
    state, position = after["state"], after["position"]
    if state == "FAILED":
        return f"{name} FAILED again: {after['reason']}"
    if state == "CATCHING_UP" and position == before["position"]:
        console.print(
            f"{name} was retried and is still at position {position}. See the service's log for the reason."
        )
    else:
        console.print(f"{name} was retried. It is {state} at position {position}.")
    return None


def _read_models(url: str) -> dict[str, _Model]:
    return {model["readModel"].lower(): model for model in ask(url, FRESHNESS)["freshness"]}
