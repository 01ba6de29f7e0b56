"""The service's log: one line for each event, without the personal data that exceptions may quote."""

import asyncio
import logging
import warnings
from types import TracebackType

from app.cqrs.impersonal import outline

DROPPED = r"coroutine '(Executor\.|GraphQLCoreConverter\.).*' was never awaited"
"""The warning about steps of an operation that a client no longer wants.

graphql-core 3.3.2 makes the coroutines of all nested fields and items first. If the operation is cancelled
before they begin, it drops them. None of them has done anything yet.
"""

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class OutlineFormatter(logging.Formatter):
    """A formatter that writes logged exceptions as outlines, because their texts may quote personal data."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line; of asyncio's records the first, as the others quote exceptions."""
        # A formatter that ran earlier may have left the full text of the exception in the record.
        own: dict[str, object] = {"exc_text": None}
        if record.name == "asyncio":
            own |= {"msg": record.getMessage().partition("\n")[0], "args": ()}
        return super().format(logging.makeLogRecord({**record.__dict__, **own}))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's own name
        """Return the exception's outline, in one line."""
        return outline(ei[1]) if ei[1] else ""


def log_to_stderr() -> None:
    """Have all loggers write warnings and errors to standard error, but nothing of cancelled operations."""
    warnings.filterwarnings("ignore", DROPPED, RuntimeWarning)
    handler = logging.StreamHandler()
    handler.setFormatter(OutlineFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def is_fault(record: logging.LogRecord) -> bool:
    """Return whether a log record reports a fault, and not a cancelled request or a client's bad frame."""
    error = record.exc_info[1] if record.exc_info else None
    of_client = isinstance(error, UnicodeDecodeError) and str(record.msg).startswith("Invalid UTF-8")
    return not (of_client or isinstance(error, asyncio.CancelledError))
