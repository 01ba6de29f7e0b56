"""Ports of this machine that nobody listens on."""

import socket
from random import SystemRandom

_RANGE = (20_000, 32_000)  # below those that the system gives to clients, who would take it between two runs
_GIVEN = set[int]()


def free_port() -> int:
    """Return a port that nobody listens on, and another one each time: a cluster asks for many at once.

    It is none of a seed, because two campaigns must not meet.
    """
    while True:
        port = SystemRandom().randrange(*_RANGE)
        if port not in _GIVEN and is_free(port):
            _GIVEN.add(port)
            return port


def is_free(port: int) -> bool:
    """Return whether a port of loopback can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
