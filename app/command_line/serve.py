"""The command that runs the service."""

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from app.access.urls import is_loopback
from app.command_line.interrupts.loading import loading
from app.command_line.terminal import BAD_SETTING, DataDir, console, explained, progress, settings_of
from app.roles import Role
from app.server.logs import log_to_stderr

logger = logging.getLogger(__name__)

TOKENS = "  tokens      diptych token --role staff (or operator, or customer with --customer ID)\n"


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. Default: HOST, else loopback.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on. Default: PORT, else 8000.")
    ] = None,
    data_dir: DataDir = None,
    roles: Annotated[
        str | None,
        typer.Option(
            help="Roles of this process, separated by commas: command, query, projector. Fewer than all need "
            "NATS_URL. Default: ROLES, else all."
        ),
    ] = None,
    ssl_certfile: Annotated[
        Path | None, typer.Option(help="Certificate (PEM) to serve https with. Default: SSL_CERTFILE.")
    ] = None,
    ssl_keyfile: Annotated[
        Path | None, typer.Option(help="Its key, unless in the same file. Default: SSL_KEYFILE.")
    ] = None,
    demo: Annotated[
        bool | None,
        typer.Option(
            "--demo/--no-demo",
            help="Fill an empty write store with a demo shop first. Default: only the embedded store.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run the service until Ctrl-C. It starts its own MongoDB unless MONGODB_URL is set."""
    settings = settings_of(
        host=host,
        port=port,
        data_dir=data_dir,
        roles=roles,
        ssl_certfile=ssl_certfile,
        ssl_keyfile=ssl_keyfile,
    )
    fills = settings.is_embedded if demo is None else demo
    if demo and Role.COMMAND not in settings.held_roles:
        raise typer.BadParameter(
            "Only a process with the role command can fill a store.", param_hint="--demo"
        )

    with loading():
        from uvicorn.loops.auto import auto_loop_factory

        from app.access.keys import BadKey
        from app.completeness import Incomplete
        from app.cqrs.circle import Circle
        from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable
        from app.demo.filling import DemoRefused, fill, is_wanted
        from app.demo.plan import Shop
        from app.graphql.admission.persisted import BadManifest
        from app.halves.commanding import WriteSide
        from app.server.listening import CannotListen
        from app.server.measured_loop import MeasuredLoop
        from app.server.serving import serve as run
        from app.server.tls import BadCertificate
        from app.stores.mongo.embedded.mongod_binary import MongodError
        from app.stores.nats.away import NatsError
        from app.tracing.configured import TracesUnavailable

    async def fill_if_empty(write_side: WriteSide) -> None:
        shop = Shop()
        if await is_wanted(shop, write_side.log):
            with progress("Filling the empty store with a demo shop", len(shop.plan)) as advance:
                await fill(shop, write_side.commands, advance)
            console.print(
                f"The store was empty. It now holds a demo shop: {shop.products} products, "
                f"{shop.customers} customers, {shop.orders} orders.\n",
                soft_wrap=True,
            )

    def announce(circle: Circle, url: str) -> None:
        written, read = circle.stores
        tokens = TOKENS if settings.auth == "development" else ""
        graphql = f"  playground  {url}/graphql\n  operations  {url}/admin\n{tokens}"
        if Role.QUERY not in settings.held_roles:
            graphql = f"  roles       {settings.roles}\n"
        console.print(
            "[bold]Diptych[/bold]\n"
            f"  writes to   {written}\n"
            f"  reads from  {read}\n\n"
            f"{graphql}"
            f"  health      {url}/health/ready\n\n"
            "Ctrl-C stops it.",
            soft_wrap=True,
        )
        if settings.is_open_on_purpose and not is_loopback(settings.host):
            logger.warning("Everyone who can reach the service can change everything: host=%s", settings.host)

    if settings.loop_limit_ms is None:
        loop_factory = auto_loop_factory()
    else:
        loop_factory = partial(MeasuredLoop, settings.loop_limit_ms / 1000)
    log_to_stderr(settings.log_format, settings.log_level)
    unavailable = (MongodError, ReadStoreUnavailable, WriteStoreUnavailable)
    bad_setting = (BadCertificate, BadKey, BadManifest, CannotListen, NatsError, TracesUnavailable)
    expected = (*bad_setting, DemoRefused, Incomplete)
    with (
        explained(*expected, *unavailable, exit_code=BAD_SETTING),
        asyncio.Runner(loop_factory=loop_factory) as runner,
    ):
        runner.run(run(settings, announce, fill_if_empty if fills else None))
    console.print("\nStopped.")
