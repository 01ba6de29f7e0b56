"""Announcements of projectors over NATS: a subject for all, and a stream of the newest of those to keep."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from nats.aio.msg import Msg

from app.cqrs.impersonal import outline
from app.stores.nats.away import NatsAway
from app.stores.nats.connection import Connection
from app.stores.nats.streams import Stream

MOST_KEPT = 10_000
"""Newest kept announcements that the stream holds."""

logger = logging.getLogger(__name__)


class NatsAnnouncements:
    """The announcements of all projectors. `tell` loses those that come while NATS is away."""

    def __init__(self, connection: Connection, subject: str, kept: Stream) -> None:
        self._connection = connection
        self._passing = f"{subject}.passing"
        self._all = f"{subject}.*"
        self._kept = kept

    @property
    def connected(self) -> bool:
        """True unless the connection is lost at this moment."""
        return self._connection.connected

    def moved(self, moved: Callable[[bool], None]) -> AbstractContextManager[None]:
        """Call `moved` with true when a connection was made, and with false when it was lost."""
        return self._connection.moving(moved)

    def tell(self, message: bytes, *, kept: bool) -> None:
        """Send a message to all hearers, and have it remembered if it is `kept`; never wait or raise."""
        self._connection.send(self._kept.subject if kept else self._passing, message)

    def hear(self, heard: Callable[[bytes], None]) -> AbstractContextManager[object]:
        """Call `heard` with each message from now on, in the order of arrival, until the block ends."""

        def received(message: Msg) -> None:
            heard(message.data)

        return self._connection.hearing(self._all, received)

    async def recent(self, most: int = MOST_KEPT) -> Sequence[bytes]:
        """Return the newest kept messages, oldest first; none if NATS is away."""
        try:
            if (end := await self._kept.end()) is None:
                return []
            return [data for _, data in await self._kept.read(end.sequence - most + 1, most)]
        except NatsAway as error:
            logger.warning("Earlier announcements can't be read: error=%s", outline(error))
            return []

    async def keep(self) -> None:
        """Make the stream of kept announcements, if there is none."""
        await self._kept.make()
        await self._kept.bring_up_to_date()
