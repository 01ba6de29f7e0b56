"""The commands that make tokens for development and revoke an actor's tokens."""

import asyncio
from typing import Annotated, Any, Literal

import typer

from app.command_line.terminal import (
    BAD_SETTING,
    FAILED,
    DataDir,
    console,
    errors,
    explained,
    settings_of,
    stop,
)

REVOKER = "command line"
"""The name under which revocations of this command are recorded."""


def token(
    role: Annotated[Literal["customer", "staff", "operator"], typer.Option(help="What the token allows.")],
    customer: Annotated[str | None, typer.Option(help="Id of the customer, with --role customer.")] = None,
    actor: Annotated[
        str | None,
        typer.Option(help="Name under which actions are recorded.", show_default="the role or customer"),
    ] = None,
    hours: Annotated[float, typer.Option(min=0.001, max=8760, help="Hours until it expires.")] = 12,
    data_dir: DataDir = None,
) -> None:
    """Print a token for development, signed with AUTH_SECRET or a secret in the data folder.

    A service takes it that runs with the same AUTH_SECRET, or with AUTH=development on the same data folder.
    """
    settings = settings_of(data_dir=data_dir)
    if (role == "customer") != (customer is not None):
        stop(
            "A customer's token needs --customer with the id."
            if customer is None
            else f"--customer {customer} contradicts --role {role}. Remove one of them.",
            BAD_SETTING,
        )
    if settings.takes_tokens and not settings.signs_tokens:
        issuer = settings.auth_issuer or "that has the key of AUTH_PUBLIC_KEY"
        stop(f"The tokens of this service come from the issuer {issuer}. Get one there.", BAD_SETTING)

    from app.access.development import development_token
    from app.cqrs.unavailable import WriteStoreUnavailable
    from app.cqrs.viewers import Sight, Unauthenticated

    key = customer_key(customer, "--customer") if customer is not None else None
    name = actor or (f"customer {key}" if key else role)
    with explained(Unauthenticated, WriteStoreUnavailable, exit_code=FAILED):
        made = development_token(settings, settings.data_dir, Sight(role), name, customer=key, hours=hours)
    typer.echo(made)
    if not settings.takes_tokens:
        errors.print("Run the service with AUTH=development to have it take this token.", style="yellow")


def revoke(
    actor: Annotated[str, typer.Argument(help="Name of the actor: the claim `sub` of the tokens.")],
    data_dir: DataDir = None,
) -> None:
    """Revoke all tokens that an actor has until now.

    Running services end the actor's sockets and streams within a second, and refuse the tokens from then on.
    """
    settings = settings_of(data_dir=data_dir)

    from app.cqrs.commands.write_store import Conflict
    from app.cqrs.revocations import problem_with_actor
    from app.cqrs.unavailable import WriteStoreUnavailable
    from app.halves.commanding import open_write_side

    if problem := problem_with_actor(actor):
        stop(problem, BAD_SETTING)

    async def record() -> Any:
        async with open_write_side(settings) as write_side:
            return await write_side.log.revoke(actor, by=REVOKER)

    with explained(Conflict, WriteStoreUnavailable, exit_code=FAILED):
        revocation = asyncio.run(record())
    console.print(
        f"All tokens of {actor} that were issued until {revocation.at:%Y-%m-%d %H:%M:%S} UTC are revoked.",
        markup=False,
        soft_wrap=True,
    )


def customer_key(id: str, argument: str) -> str:
    """Return the key of a customer from an id as GraphQL shows it, or from the key itself."""
    from uuid import UUID

    from schema.circle.ids import BadId, key_of

    try:
        return str(UUID(id))
    except ValueError:
        pass
    try:
        return str(key_of("Customer", id))
    except BadId as bad:
        stop(f"{argument} {id}: {bad}", BAD_SETTING)
