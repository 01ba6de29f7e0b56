"""Rows of commands from before: plain fingerprints get a key, and open names of actors a pseudonym."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, exists, select

from app.stores.sql.codec import EventCodec
from app.stores.sql.keys.person_keys import KEYED, PersonKeys
from app.stores.sql.transactions import commands

PLAIN = 64
"""Characters of a fingerprint that was made without a key."""

_TWIN = commands.alias("twin")
_TAKEN = exists().where(_TWIN.c.command_id == bindparam("id"), _TWIN.c.actor == bindparam("a"))

KEY = (
    commands.update()
    .where(commands.c.command_id == bindparam("id"), commands.c.actor == bindparam("by"))
    .values(fingerprint=bindparam("f"))
)
NAME = (
    commands.update()
    .where(commands.c.command_id == bindparam("id"), commands.c.actor == bindparam("by"), ~_TAKEN)
    .values(actor=bindparam("a"))
)


def inputs(portion: int) -> Any:
    """Return the statement that reads the next commands `after` an id."""
    return (
        select(commands.c.command_id, commands.c.actor, commands.c.fingerprint)
        .where(commands.c.command_id > bindparam("after"))
        .order_by(commands.c.command_id)
        .limit(portion)
    )


def keyed(rows: Sequence[Any], keys: PersonKeys) -> list[dict[str, Any]]:
    """Return the changes of those rows whose fingerprints have no key."""
    return [
        {"id": each.command_id, "by": each.actor, "f": keys.keyed(each.fingerprint)}
        for each in rows
        if len(each.fingerprint) == PLAIN and not each.fingerprint.startswith(KEYED)
    ]


async def named(rows: Sequence[Any], codec: EventCodec) -> list[dict[str, Any]]:
    """Return the changes of those rows whose actors are open names; raise `WriteStoreUnavailable`."""
    return [
        {"id": each.command_id, "by": each.actor, "a": stored}
        for each in rows
        if (stored := await codec.sealed_actor(each.actor)) != each.actor
    ]
