"""The service's log: one line for each event, without the personal data that exceptions may quote."""

import asyncio
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType

from app.cqrs.impersonal import outline
from app.cqrs.measured import logged

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


class JsonFormatter(OutlineFormatter):
    """A formatter that writes each record as one line of JSON, with the values in its text as fields.

    A text such as `The read model has failed: read_model=%s` has the field `read_model`. The records of a
    command name it, and its correlation id. Fields have no personal data, as texts have none.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as an object in one line, without a line feed at its end."""
        own: dict[str, object] = {"exc_info": None, "exc_text": None, "stack_info": None}
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": super().format(logging.makeLogRecord({**record.__dict__, **own})),
            "process": record.process,
        }
        for name, value in (*_values(record), *logged.fields().items()):
            line.setdefault(name, value)
        if record.exc_info and record.exc_info[1]:
            line["exception"] = outline(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def _values(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    """Yield the values that a record's text names, such as `position=%d`; numbers stay numbers."""
    if record.name == "asyncio" or not isinstance(record.args, tuple):
        return  # asyncio's texts quote exceptions.
    places = [place for place in _PLACES.finditer(str(record.msg)) if place[0] != "%%"]
    for place, value in zip(places, record.args, strict=False):
        if place["name"]:
            yield place["name"], value if isinstance(value, int | float | None) else str(value)


_PLACES = re.compile(r"(?:(?P<name>[a-z_]+)=)?%(?:%|[-+ #0]*\d*(?:\.\d+)?[a-zA-Z])")

FORMATTERS: Mapping[str, Callable[[], logging.Formatter]] = {
    "text": lambda: OutlineFormatter("%(levelname)s %(name)s: %(message)s"),
    "json": lambda: JsonFormatter("%(message)s"),
}
"""The formats of the log, by the values of the setting `LOG_FORMAT`."""


OWN = ("app", "schema")
"""The names of this program's loggers; libraries write nothing below a warning, which may be personal."""


def log_to_stderr(form: str = "text", level: str = "warning") -> None:
    """Have loggers write to standard error, from a level on, but nothing of cancelled operations.

    The form `auto` is text for people, if standard error is a terminal, and JSON for programs otherwise.
    """
    warnings.filterwarnings("ignore", DROPPED, RuntimeWarning)
    handler = logging.StreamHandler()
    if form == "auto":
        form = "text" if handler.stream.isatty() else "json"
    handler.setFormatter(FORMATTERS[form]())
    least = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(least, logging.WARNING), handlers=[handler])
    for name in OWN:
        logging.getLogger(name).setLevel(least)


def is_fault(record: logging.LogRecord) -> bool:
    """Return whether a log record reports a fault, and not a cancelled request or a client's bad frame."""
    error = record.exc_info[1] if record.exc_info else None
    of_client = isinstance(error, UnicodeDecodeError) and str(record.msg).startswith("Invalid UTF-8")
    return not (of_client or isinstance(error, asyncio.CancelledError))
