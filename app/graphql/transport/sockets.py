"""GraphQL over websockets, with the protocol graphql-transport-ws."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app.cqrs.circle import Circle
from app.cqrs.viewers import ANONYMOUS
from app.graphql.admission.persisted import Texts
from app.graphql.execution.context import TOKEN_HEADER, Context
from app.graphql.measured.measured import Measured
from app.graphql.streaming.streams import Streams
from app.graphql.transport.origins import Origins
from app.graphql.transport.senders.authentication import Authentication
from app.graphql.transport.senders.callers import CallerOf, forwarded_for, nobody_counts
from app.graphql.transport.socket import Socket

PROTOCOL = "graphql-transport-ws"

SEND_AT_ONCE = "diptych.send_at_once"
"""The extension of ASGI with which a server's connection offers the function of that kind (`SendAtOnce`)."""

INIT_PATIENCE = timedelta(seconds=10)
"""The time that a socket may stay open without `connection_init`."""

READ_PATIENCE = timedelta(seconds=30)
"""The time that a client may leave messages unread."""


class Sockets:
    """The ASGI application for the scope type `websocket`."""

    def __init__(
        self,
        circle: Callable[[], Circle],
        streams: Streams,
        authentication: Authentication,
        *,
        texts: Texts | None = None,
        caller: CallerOf = nobody_counts,
        measured: Measured | None = None,
        allowed_origins: Sequence[str] = (),
        init_patience: timedelta = INIT_PATIENCE,
        read_patience: timedelta = READ_PATIENCE,
    ) -> None:
        self._circle = circle
        self._streams = streams
        self._authentication = authentication
        self._texts = texts or Texts()
        self._caller = caller
        self._measured = measured or Measured()
        self._origins = Origins(allowed_origins)
        self._init_patience = init_patience
        self._read_patience = read_patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until either side closes it."""
        websocket = WebSocket(scope, receive, send)
        if not self._origins.allow(websocket.headers):
            await websocket.close()  # before the handshake: the client gets the status 403
        elif PROTOCOL not in scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(4406, "Subprotocol not acceptable")
        else:
            await websocket.accept(PROTOCOL)
            tokens = websocket.headers.get(TOKEN_HEADER) or ""
            caller = self._caller(scope.get("client"), forwarded_for(scope["headers"]))
            context = Context(
                self._circle(),
                ANONYMOUS,
                sent_tokens=tokens,
                tells_token=True,
                caller=caller,
                measured=self._measured,
            )
            await Socket(
                websocket,
                send,
                (scope.get("extensions") or {}).get(SEND_AT_ONCE, _never_at_once),
                context,
                self._streams,
                self._authentication,
                self._texts,
                self._measured.traffic,
                self._init_patience,
                self._read_patience,
            ).serve()


def _never_at_once(_text: bytes) -> bool:
    return False
