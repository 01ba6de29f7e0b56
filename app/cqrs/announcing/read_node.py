"""The port to the node of the document store that a process reads from."""

from typing import Protocol


class ReadNode(Protocol):
    """The node that this process reads from, which may show a change later than it is announced."""

    async def shows(self, documents: str, position: int) -> bool:
        """Wait until the node shows the checkpoint `position` of these documents, or a later one.

        Return false if it takes too long, or if another node is read from meanwhile.
        """

    async def is_level(self, documents: str) -> bool:
        """Wait until the node shows all of these documents that the store had when this was called.

        Return false if it takes too long, if another node is read from meanwhile, or if nobody knows what the
        store has.
        """


class WhereWritten:
    """A node that shows each change before it is announced, because it is the one that is written to."""

    async def shows(self, documents: str, position: int) -> bool:  # noqa: ARG002
        """Return true."""
        return True

    async def is_level(self, documents: str) -> bool:  # noqa: ARG002
        """Return true."""
        return True
