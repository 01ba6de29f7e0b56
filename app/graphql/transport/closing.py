"""The codes and reasons of the frames that close a socket."""

TRY_AGAIN_LATER = 1013
"""A close code after which clients reconnect."""

FORBIDDEN = 4403
"""The close code for a token that is not or no longer valid; clients reconnect, while 4401 stops them."""

UNREAD = "The client did not read for too long. Resume after your last cursor."

LONGEST_REASON = 123
"""Largest size, in bytes, of the reason in a close frame (RFC 6455)."""


class Close(Exception):
    """The socket must be closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason.encode()[:LONGEST_REASON].decode(errors="ignore")


class Disconnected(Exception):
    """The client has disconnected."""


async def raise_close(code: int, reason: str) -> None:
    """Raise `Close`, in a task of its own."""
    raise Close(code, reason)
