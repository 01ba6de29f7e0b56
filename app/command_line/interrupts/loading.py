"""The end by Ctrl-C of a program that is still loading its modules, and has begun nothing.

It needs no module that takes time to load, because it is loaded before them.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

INTERRUPTED = 130
"""The exit code of a program that Ctrl-C has ended."""


@contextmanager
def loading() -> Iterator[None]:
    """Have Ctrl-C end the program at once and quietly during the block, which only imports modules.

    An exception would come out of the middle of an import: as a traceback, or as another exception.
    """
    try:
        before = signal.getsignal(signal.SIGINT)
        if before is signal.default_int_handler:  # Otherwise it is ignored, or in the hands of somebody else.
            signal.signal(signal.SIGINT, _end)
    except ValueError:  # This is not the main thread, so that Ctrl-C does not come here.
        before = None
    try:
        yield
    finally:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)


def _end(*_signal: object) -> NoReturn:
    os._exit(INTERRUPTED)
