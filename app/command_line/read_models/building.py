"""The command that the service calls, and nobody else, to build documents in a process of its own."""

import asyncio
import logging
import os
import sys

import typer

from app.command_line.terminal import BAD_SETTING, FAILED, stop

NICENESS = 10
"""The processor's time that the service needs comes first."""


def build() -> None:
    """Build the documents that standard input orders, up to the head of the log, until it ends."""
    os.nice(NICENESS)  # Loading the program is a good part of the work already.
    import msgspec

    from app.config import Settings
    from app.cqrs.impersonal import outline
    from app.halves.building import Order
    from app.halves.building import build as build_documents
    from app.server.logs import log_to_stderr

    ordered = sys.stdin.buffer.readline()
    if not ordered:
        raise typer.Exit(FAILED)  # The service has ended meanwhile.
    try:
        order = msgspec.json.decode(ordered, type=Order)
    except msgspec.DecodeError:
        stop("This command is for the service. Call `projections rebuild NAME` instead.", BAD_SETTING)
    settings = Settings.model_validate_json(order.settings)
    log_to_stderr(settings.log_format, settings.log_level)
    try:
        is_built = asyncio.run(build_documents(order))
    except Exception as reason:  # The service goes on by itself, and meets the same reason if it remains.
        logging.getLogger(__name__).warning(
            "Documents can't be built: generation=%s error=%s", order.generation, outline(reason)
        )
        is_built = False
    if not is_built:
        raise typer.Exit(FAILED)
