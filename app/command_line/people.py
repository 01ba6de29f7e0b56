"""The commands that forget a person, seal what earlier versions stored openly, and expire inputs."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.command_line.access import customer_key
from app.command_line.terminal import (
    BAD_SETTING,
    FAILED,
    DataDir,
    console,
    explained,
    progress,
    settings_of,
    stop,
)

if TYPE_CHECKING:
    from app.config import Settings
    from app.cqrs.commands.outcomes import CommandError, Receipt, Refused
    from app.halves.commanding import WriteSide

ACTOR = "command line"
"""The name under which the decision is recorded."""


def forget(
    customer: Annotated[
        str | None,
        typer.Argument(metavar="[CUSTOMER]", help="Id of the customer, as GraphQL shows it or as a UUID."),
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Forget an actor who is no customer instead: the claim `sub` of their tokens.",
        ),
    ] = None,
    despite_open_orders: Annotated[
        bool,
        typer.Option("--despite-open-orders", help="Forget also a customer whose orders are still open."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Forget a customer or an actor for good. The service may be running or stopped.

    A customer's account is closed, and the key of their personal data is destroyed. Sums, counts and orders
    remain. What an actor did remains, under a pseudonym.
    """
    if (customer is None) == (actor is None):
        stop("Name either a CUSTOMER or an --actor. Nobody was forgotten.", BAD_SETTING)
    settings = settings_of(data_dir=data_dir)
    if actor is not None:
        _forget_actor(settings, actor)
        return
    key = customer_key(str(customer), "CUSTOMER")

    from uuid import UUID

    from app.cqrs.commands.outcomes import Refused
    from app.cqrs.commands.write_store import Conflict
    from app.cqrs.unavailable import WriteStoreUnavailable
    from app.cqrs.viewers import Scope, Sight, Viewer
    from app.domain.customers.commands import ForgetCustomer
    from app.halves.commanding import open_write_side

    command = ForgetCustomer(customer_id=UUID(key), despite_open_orders=despite_open_orders)

    async def send() -> "Receipt | Refused":
        async with open_write_side(settings) as write_side:
            viewer = Viewer(actor=ACTOR, scope=Scope(Sight.OPERATOR))
            return await write_side.commands.execute(command, viewer=viewer)

    with explained(Conflict, WriteStoreUnavailable, exit_code=FAILED):
        outcome = asyncio.run(send())
    if isinstance(outcome, Refused):
        stop("\n".join(_refusal(error) for error in outcome.errors), FAILED)
    if outcome.events:
        _say(f"The customer {key} is forgotten. Older backups of keys still have the key: remove them.")
    else:
        _say(f"The customer {key} was forgotten before.")


def _refusal(error: "CommandError") -> str:
    """Return the message of a refusal, with the option of the command line for the field that it names."""
    from app.domain.customers.refusals import CustomerHasOpenOrders

    if isinstance(error, CustomerHasOpenOrders):
        return f"{error.message} Here that is the option --despite-open-orders."
    return error.message


def _forget_actor(settings: "Settings", name: str) -> None:
    from app.cqrs.revocations import problem_with_actor
    from app.cqrs.unavailable import WriteStoreUnavailable
    from app.cqrs.viewers import PROGRAMS
    from app.halves.commanding import open_write_side
    from app.stores.sql.operating.actors import IsCustomer

    if problem := problem_with_actor(name):
        stop(f"--actor: {problem}", BAD_SETTING)
    if name in PROGRAMS:
        stop(f"--actor {name}: That is a part of Diptych, and nobody's name.", BAD_SETTING)

    async def decide() -> "Sequence[str]":
        async with open_write_side(settings) as write_side:
            if sealed := write_side.log.sealed:  # Names in events of earlier versions are still open.
                async for _ in sealed.seal():
                    pass
            return await write_side.log.forget_actor(name, by=ACTOR)

    with explained(IsCustomer, WriteStoreUnavailable, exit_code=FAILED):
        shown = asyncio.run(decide())
    if not shown:
        stop(f"No event has the actor {name}, or it was forgotten before.", FAILED)
    _say(f"The actor {name} is forgotten, and is shown as: {', '.join(shown)}.")
    _say("Older backups of keys still have the name: remove them. A later command is somebody new's.")


def seal(
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="First take in keys of `backup --keys`."),
    ] = None,
    lost: Annotated[
        bool,
        typer.Option("--lost", help="Go on without the former keys. Events that they sealed read as empty."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Seal personal data that earlier versions stored openly, and rewrite an SQLite file without it.

    A running service seals it, too, but does not rewrite the file. This may be interrupted and repeated.
    """
    settings = settings_of(data_dir=data_dir)

    from app.backups.keys import BadKeys
    from app.cqrs.unavailable import WriteStoreUnavailable

    with explained(BadKeys, WriteStoreUnavailable, exit_code=FAILED):
        rewritten = asyncio.run(_seal(settings, keys, lost=lost))
    _say("Personal data in all events is sealed, and fingerprints of commands are keyed.")
    if not rewritten:
        _say("PostgreSQL keeps former versions of rows until `VACUUM FULL events, commands, customers`.")


def expire(
    days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=36_500,
            metavar="DAYS",
            help="Age in days from which they are removed.",
            show_default="COMMAND_INPUTS_DAYS",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Remove the fingerprints of old commands' inputs, as the service does every six hours.

    A repeated commandId still returns its first receipt. Another input with it is not noticed any more.
    """
    settings = settings_of(data_dir=data_dir)

    from app.cqrs.unavailable import WriteStoreUnavailable
    from app.halves.commanding import open_write_side

    kept = timedelta(days=settings.command_inputs_days if days is None else days)

    async def remove() -> int:
        async with open_write_side(settings) as write_side:
            sealed = write_side.log.sealed
            assert sealed is not None
            return sum([count async for count in sealed.expire(datetime.now(UTC) - kept)])

    with explained(WriteStoreUnavailable, exit_code=FAILED):
        count = asyncio.run(remove())
    which = "command that is" if count == 1 else "commands that are"
    _say(f"Removed the fingerprints of {count:,} {which} at least {kept.days} days old.")


async def _seal(settings: "Settings", keys: Path | None, *, lost: bool) -> bool:
    from app.backups.keys import read
    from app.forgetting import adopt_keys, opened_keys, refuse_keys_of_another_log
    from app.halves.commanding import open_write_side

    if keys:
        copy = read(keys)
        await refuse_keys_of_another_log(settings, copy)
        async with opened_keys(settings) as person_keys:
            await person_keys.store.add(copy)
    if lost:
        await adopt_keys(settings)
    async with open_write_side(settings) as write_side:
        return await _seal_all(write_side)


async def _seal_all(write_side: "WriteSide") -> bool:
    """Seal everything; return whether the file was rewritten, which only SQLite needs and can."""
    sealed = write_side.log.sealed
    assert sealed is not None
    await sealed.start_over()
    with progress("Sealing", await sealed.remaining()) as advance:
        async for count in sealed.seal():
            for _ in range(count):
                advance()
    return await sealed.rewrite()


def _say(text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
