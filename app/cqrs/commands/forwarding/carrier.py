"""The port to whatever carries commands to the processes that carry them out."""

from typing import Protocol


class NoAnswer(Exception):
    """A request that nobody has answered in time. Nobody knows whether it was carried out."""


class CommandCarrier(Protocol):
    """A carrier of requests, each to one of the processes that answer."""

    @property
    def largest(self) -> int:
        """The maximum bytes of a request or an answer."""

    async def ask(self, request: bytes, patience: float) -> bytes:
        """Return the answer; raise `NoAnswer` if there is none within `patience` seconds, or nobody there."""
