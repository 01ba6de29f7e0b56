"""The socket that the service listens on: its own, or one that was handed over."""

import os
import socket
from contextlib import ExitStack
from ipaddress import ip_address

from app.access.urls import is_loopback
from app.config import Settings

HANDED_OVER = 3
"""The number of the first open file that a process inherits for listening."""


class CannotListen(Exception):
    """The service can't listen on its address; the message says why and what to do."""


def listen(settings: Settings) -> socket.socket:
    """Return the socket that the service listens on; raise `CannotListen`."""
    # This comes first, to fail early. A client that connects while the stores are opened waits.
    if handed_over := _handed_over(settings):
        return handed_over
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        refuse_to_be_open(settings, str(address[0]))
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
        refuse_to_be_open(settings, str(listening.getsockname()[0]))
    except CannotListen:
        listening.close()
        raise
    return listening


def refuse_to_be_open(settings: Settings, address: str) -> None:
    """Raise `CannotListen` if everybody who reaches an address could do everything, unless that is meant."""
    if settings.takes_tokens or settings.is_open_on_purpose or is_loopback(address):
        return
    raise CannotListen(
        f"Refusing to listen on {settings.host}:{settings.port}: everybody who reaches it could read and "
        "change everything.\n"
        "Say whose tokens to take, with AUTH_ISSUER, AUTH_JWKS_URL, AUTH_PUBLIC_KEY or AUTH_SECRET; or set "
        "AUTH=none if the service is open on purpose."
    )


def url_of(listening: socket.socket, scheme: str) -> str:
    """Return the URL at which a browser on this machine reaches the service."""
    host, port = listening.getsockname()[:2]
    if ip_address(host).is_unspecified:
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
