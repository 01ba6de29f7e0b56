"""The HTTP server: its start, its signals, and its orderly shutdown."""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from signal import SIGINT, SIGTERM

import uvicorn

from app.bootstrap import Filling
from app.config import Settings
from app.cqrs.circle import Circle
from app.graphql.transport.http_requests import LARGEST_BODY
from app.main import create_app
from app.server.connections.http import IDLE, HTTPConnection
from app.server.connections.websockets import GRACE, Connection
from app.server.garbage import collect_garbage_in_small_parts
from app.server.listening import listen, url_of
from app.server.logs import is_fault
from app.server.measured_loop import MeasuredLoop, measure_protocols
from app.server.tls import check_certificate

UNANSWERED = 40
"""Seconds that a websocket's ping may go unanswered; longer than a client may leave messages unread."""

GIVES_WAY = 0.001
"""Seconds after which the event loop gives way to a thread that waits for the interpreter, such as a writer's
after each of its statements; Python's default is 5 ms.
"""


class _Server(uvicorn.Server):
    """A server that leaves signals to `serve`, which handles them before and after it runs, too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, started: Callable[[Circle, str], None], fill: Filling | None) -> None:
    """Serve until SIGINT or SIGTERM; call `started` with the circle and its URL once the stores are open.

    Raise `BadCertificate`, `CannotListen`, and everything that `open_circle` and `fill` raise.
    """
    logging.getLogger("uvicorn.error").addFilter(is_fault)
    if settings.ssl_certfile:
        check_certificate(settings.ssl_certfile, settings.ssl_keyfile)
    with closing(listen(settings)) as listening:
        loop = asyncio.get_running_loop()
        measured = loop if isinstance(loop, MeasuredLoop) else None
        app = create_app(settings, fill, measured.held if measured else None)
        config = uvicorn.Config(
            app,
            lifespan="off",  # entered here, so that a failure is an exception and not a log line
            log_config=None,
            log_level=logging.ERROR,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # Only proxies in TRUSTED_PROXIES are believed, by `app/addresses.py`.
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=IDLE,
            ssl_certfile=settings.ssl_certfile,
            ssl_keyfile=settings.ssl_keyfile,
            http=HTTPConnection,
            ws=Connection,
            ws_ping_timeout=UNANSWERED,
            ws_max_size=LARGEST_BODY,
        )
        if measured:
            measure_protocols(config, measured)
        server = _Server(config)
        _on_signal(_stopper(server, app.state.leaving))
        with suppress(asyncio.CancelledError):
            async with app.router.lifespan_context(app):
                started(app.state.circle, url_of(listening, "https" if settings.ssl_certfile else "http"))
                collect_garbage_in_small_parts()
                sys.setswitchinterval(GIVES_WAY)
                if measured:
                    measured.start_recording()
                await server.serve(sockets=[listening])


def _stopper(server: uvicorn.Server, leaving: asyncio.Event) -> Callable[[], None]:
    starting = asyncio.current_task()

    def stop() -> None:
        if server.started:
            server.force_exit = server.should_exit  # at the second signal it stops without waiting
            server.should_exit = True
            leaving.set()
        elif starting and not starting.cancelling():
            starting.cancel()

    return stop


def _on_signal(stop: Callable[[], None]) -> None:
    for signal in (SIGINT, SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal, stop)
