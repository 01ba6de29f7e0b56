"""The examination of NATS, for operators: nothing is changed, and nothing is made that is missing."""

from dataclasses import dataclass

from nats.aio.client import Client
from nats.errors import Error as NatsFault
from nats.js.errors import NotFoundError

from app.cqrs.impersonal import outline
from app.stores.nats.away import NatsAway
from app.stores.nats.connecting import connect_once
from app.stores.nats.opening import servers_in, token_of

PATIENCE = 3.0
"""Seconds for each answer."""


@dataclass(frozen=True, kw_only=True)
class NatsState:
    """The state of NATS as a service needs it."""

    version: str
    """The version of the server."""
    sequence: int | None
    """The position of the newest event in the stream; `None` if there is no stream yet."""
    has_streams: bool
    """True if JetStream is there, and this account may use it."""


async def examine(url: str, database: str) -> NatsState:
    """Return the state of NATS; raise `NatsAway` if it does not answer, and `NatsError` for a bad URL."""
    client = Client()

    async def ignored(_error: Exception) -> None: ...

    try:
        await connect_once(client, servers_in(url), "diptych doctor", ignored)
        try:
            version, sequence, has_streams = str(client.connected_server_version), None, True
            streams = client.jetstream(timeout=PATIENCE)
            try:
                found = await streams.stream_info(f"diptych-{token_of(database)}-events")
                sequence = found.state.last_seq
            except NotFoundError:
                pass
            except NatsFault:
                has_streams = False
        finally:
            await client.close()
    except (NatsFault, OSError, TimeoutError) as error:
        raise NatsAway(outline(error)) from error
    return NatsState(version=version, sequence=sequence, has_streams=has_streams)
