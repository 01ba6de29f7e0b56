"""The commands that watch over read models."""

import json
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import typer
from rich.table import Table

from app.command_line.terminal import FAILED, console, stop

DEFAULT_URL = "http://127.0.0.1:8000/graphql"
PATIENCE = 5
"""Seconds to wait for an answer."""

_QUESTION = "{ freshness { readModel state position head eventsBehind millisecondsBehind reason } }"
_COLORS = {"LIVE": "green", "CATCHING_UP": "yellow", "FAILED": "red"}

Url = Annotated[str, typer.Option(help="GraphQL endpoint of the running service.")]

projections = typer.Typer(invoke_without_command=True, help="See how far the read models are.")


@projections.callback()
def _default(context: typer.Context, url: Url = DEFAULT_URL) -> None:
    if context.invoked_subcommand is None:
        status(url)


@projections.command()
def status(url: Url = DEFAULT_URL) -> None:
    """Show each read model's position, how far that is behind the log, and its state."""
    table = Table(box=None, pad_edge=False)
    table.add_column("read model")
    for heading in ("position", "head", "events behind", "ms behind"):
        table.add_column(heading, justify="right")
    table.add_column("state")
    table.add_column("reason", overflow="fold")
    for model in _ask(url):
        table.add_row(
            model["readModel"].lower(),
            model["position"],
            model["head"],
            f"{model['eventsBehind']:,}",
            f"{model['millisecondsBehind']:,.1f}",
            f"[{_COLORS.get(model['state'], 'none')}]{model['state']}[/]",
            model["reason"] or "",
        )
    console.print(table)


def _ask(url: str) -> list[dict[str, Any]]:
    try:
        question = Request(  # noqa: S310 - the operator says where to
            url,
            json.dumps({"query": _QUESTION}).encode(),
            {"Content-Type": "application/json", "Accept": "application/json"},
        )
        # The service is beside, or where the operator says: no proxy of the environment leads there.
        with build_opener(ProxyHandler({})).open(question, timeout=PATIENCE) as response:
            answer = json.load(response)
        models: list[dict[str, Any]] = answer["data"]["freshness"]
    except HTTPError as error:
        stop(f"{url} answers with HTTP status {error.code}: that is no GraphQL endpoint of Diptych.", FAILED)
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        stop(
            f"No Diptych answers at {url}: {reason}.\nStart it with `serve`, or say where with --url.", FAILED
        )
    except (KeyError, TypeError):
        stop(f"What answers at {url} is not Diptych.", FAILED)
    return models
