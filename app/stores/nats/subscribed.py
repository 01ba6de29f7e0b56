"""A subscription to a subject of NATS, which outlives the connection that it was made on."""

from collections.abc import Callable
from dataclasses import dataclass

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

Heard = Callable[[Msg], None]


@dataclass(eq=False)
class Subscribed:
    """A subscription, which is made anew on every connection."""

    subject: str
    heard: Heard
    queue: str = ""
    client: Client | None = None
    """The connection on which it was made last."""
    of: Subscription | None = None

    async def received(self, message: Msg) -> None:
        """Pass on a message."""
        self.heard(message)

    async def end(self) -> None:
        """Tell the server that no further message is wanted."""
        if self.of:
            await self.of.unsubscribe()
