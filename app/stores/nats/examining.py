"""The examination of NATS, for operators: nothing is changed, and nothing is made that is missing."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsFault

from app.cqrs.impersonal import outline
from app.stores.nats.away import NatsAway
from app.stores.nats.connecting import connect_once
from app.stores.nats.opening import STORE_DIGITS, servers_in, token_of
from app.stores.nats.presence import Present, decoded, subject_of

PATIENCE = 3.0
"""Seconds for each answer."""

ROLL_CALL = 0.5
"""Seconds in which processes say that they are there."""


@dataclass(frozen=True, kw_only=True)
class NatsState:
    """The state of NATS as a service needs it."""

    version: str
    """The version of the server."""
    sequence: int | None
    """The position of the newest event in the stream; `None` if there is no stream yet."""
    has_streams: bool
    """True if JetStream is there, and this account may use it."""
    others: Sequence[str] = ()
    """Streams of events of other write stores with the same database of documents."""
    processes: Sequence[Present] = ()
    """The processes that are there, sorted by their names."""


async def examine(url: str, database: str, store: UUID | None = None) -> NatsState:
    """Return the state of NATS; raise `NatsAway` if it does not answer, and `NatsError` for a bad URL.

    Without the id of the write `store`, no stream is known to be its own.
    """
    client = Client()

    async def ignored(_error: Exception) -> None: ...

    try:
        await connect_once(client, servers_in(url), "diptych doctor", ignored)
        try:
            version, found, has_streams = str(client.connected_server_version), dict[str, int](), True
            try:
                found = await _streams_of_events(client, database)
            except NatsFault:
                has_streams = False
            shop = token_of(database, store)
            own = f"diptych-{shop}-events"
            processes = await _roll_call(client, shop) if store else ()
        finally:
            await client.close()
    except (NatsFault, OSError, TimeoutError) as error:
        raise NatsAway(outline(error)) from error
    return NatsState(
        version=version,
        sequence=found.get(own),
        has_streams=has_streams,
        others=sorted(each for each in found if store and each != own),
        processes=processes,
    )


async def _streams_of_events(client: Client, database: str) -> dict[str, int]:
    """Return the newest sequence in each stream of events for a database of documents, by its name."""
    streams = client.jetstream(timeout=PATIENCE)
    pattern = re.compile(f"diptych-{re.escape(token_of(database))}(-[0-9a-f]{{{STORE_DIGITS}}})?-events")
    found = await streams.streams_info()
    named = {each.config.name or "": each.state.last_seq for each in found}
    return {name: sequence for name, sequence in named.items() if pattern.fullmatch(name)}


async def _roll_call(client: Client, shop: str) -> Sequence[Present]:
    present: list[Present] = []

    async def heard(message: Msg) -> None:
        with suppress(msgspec.MsgspecError):  # or there is nobody, as NATS says itself
            present.append(decoded(message.data))

    inbox = client.new_inbox()
    await client.subscribe(inbox, cb=heard)
    await client.publish(subject_of(shop), b"", reply=inbox)
    await client.flush()
    await asyncio.sleep(ROLL_CALL)
    return sorted(present, key=lambda each: each.name)
