"""The processes that are there, as each says of itself when it is asked."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
from nats.aio.msg import Msg

from app.stores.nats.connection import Connection


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """A process, as it describes itself. Fields that a newer program adds are ignored by an older one."""

    name: str
    roles: Sequence[str]
    reads_from: str | None = None
    """The node of MongoDB that it reads documents from, as HOST:PORT; `None` while there is none."""


_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Present)


def subject_of(shop: str) -> str:
    """Return the subject on which the processes of a shop are asked."""
    return f"diptych.{shop}.processes"


def decoded(message: bytes) -> Present:
    """Return what a process says of itself; raise `msgspec.MsgspecError`."""
    return _decoder.decode(message)


@contextmanager
def answering(connection: Connection, subject: str, describe: Callable[[], Present]) -> Iterator[None]:
    """Describe this process to everybody who asks, until the block ends."""

    def asked(message: Msg) -> None:
        if message.reply:
            connection.send(message.reply, _encoder.encode(describe()))

    with connection.hearing(subject, asked):
        yield
