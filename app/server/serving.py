"""The HTTP server: its listening socket, its signals, and its orderly shutdown."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from ipaddress import ip_address
from signal import SIGINT, SIGTERM

import uvicorn

from app.access.urls import is_loopback
from app.bootstrap import Filling
from app.config import Settings
from app.cqrs.circle import Circle
from app.graphql.transport.http_requests import LARGEST_BODY
from app.main import create_app
from app.server.connections.http import IDLE, HTTPConnection
from app.server.connections.websockets import GRACE, Connection
from app.server.garbage import collect_garbage_in_small_parts
from app.server.logs import is_fault
from app.server.measured_loop import MeasuredLoop, measure_protocols
from app.server.tls import check_certificate

UNANSWERED = 40
"""Seconds that a websocket's ping may go unanswered; longer than a client may leave messages unread."""

GIVES_WAY = 0.001
"""Seconds after which the event loop gives way to a thread that waits for the interpreter, such as a writer's
after each of its statements; Python's default is 5 ms.
"""

HANDED_OVER = 3
"""The number of the first open file that a process inherits for listening."""


class CannotListen(Exception):
    """The service can't listen on its address; the message says why and what to do."""


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
    with closing(_listen(settings)) as listening:
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
                started(app.state.circle, _url(listening, "https" if settings.ssl_certfile else "http"))
                collect_garbage_in_small_parts()
                sys.setswitchinterval(GIVES_WAY)
                if measured:
                    measured.start_recording()
                await server.serve(sockets=[listening])


def _listen(settings: Settings) -> socket.socket:
    # This comes first, to fail early. A client that connects while the stores are opened waits.
    if handed_over := _handed_over(settings):
        return handed_over
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        _refuse_to_be_open(settings, str(address[0]))
        with ExitStack() as if_it_fails:
            listening = if_it_fails.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()
            if_it_fails.pop_all()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CannotListen(
            f"Can't listen on {settings.host}:{settings.port}: {reason}.\n"
            "Choose another address with --host and --port."
        ) from error
    return listening


def _handed_over(settings: Settings) -> socket.socket | None:
    """Return the listening socket that systemd, or another parent process, has opened; `None` without one.

    The parent keeps it open, so that clients who connect during a restart wait instead of being refused.
    The protocol is that of systemd's sd_listen_fds(3).
    """
    count, process = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
    if not count or process != str(os.getpid()):
        return None
    if count != "1":
        raise CannotListen(f"{count} sockets were handed over in LISTEN_FDS. Hand over one, for TCP.")
    try:
        listening = socket.socket(fileno=HANDED_OVER)
    except OSError as error:
        raise CannotListen(
            f"The socket that was handed over in LISTEN_FDS can't be used: {error.strerror}."
        ) from error
    if listening.family not in (socket.AF_INET, socket.AF_INET6) or listening.type != socket.SOCK_STREAM:
        listening.close()
        raise CannotListen(
            "The socket that was handed over in LISTEN_FDS is none of TCP. Hand over one that is."
        )
    listening.set_inheritable(False)
    try:
        _refuse_to_be_open(settings, str(listening.getsockname()[0]))
    except CannotListen:
        listening.close()
        raise
    return listening


def _refuse_to_be_open(settings: Settings, address: str) -> None:
    if settings.takes_tokens or settings.is_open_on_purpose or is_loopback(address):
        return
    raise CannotListen(
        f"Refusing to listen on {settings.host}:{settings.port}: everybody who reaches it could read and "
        "change everything.\n"
        "Say whose tokens to take, with AUTH_ISSUER, AUTH_JWKS_URL, AUTH_PUBLIC_KEY or AUTH_SECRET; or set "
        "AUTH=none if the service is open on purpose."
    )


def _url(listening: socket.socket, scheme: str) -> str:
    host, port = listening.getsockname()[:2]
    if ip_address(host).is_unspecified:
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


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
