"""The message of a command that Ctrl-C has ended."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.command_line.interrupts.loading import INTERRUPTED
from app.command_line.terminal import stop


@contextmanager
def interruptible(message: str) -> Iterator[None]:
    """End the program with a message if Ctrl-C interrupts the block; it says what remains and what to do."""
    try:
        yield
    except KeyboardInterrupt:
        stop(message, INTERRUPTED)
