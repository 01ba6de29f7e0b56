"""Kinds of failures of the write store, with the messages that clients get."""

from enum import Enum

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.cqrs.unavailable import WriteStoreUnavailable

_AFTER_REPAIR = "Retry when its operator has fixed that."


class Failure(Enum):
    """The cause of a failed statement; the value is the message for clients if the store is to blame."""

    LOST_RACE = "Another transaction was first."
    """The same command may succeed when its aggregate is loaded again and the decision repeated."""
    AWAY = "The write store does not answer. Try again."
    FULL = "The write store's disk is full. Retry when its operator has freed space."
    READ_ONLY = f"The write store is read-only. {_AFTER_REPAIR}"
    DAMAGED = f"The write store lacks something that Diptych needs; the log names it. {_AFTER_REPAIR}"
    """For example a table, or the right to write to it."""
    REPLACED = (
        "The write store's file was removed or replaced while the service ran, so no command is accepted. "
        "Put the file back and restart the service, then retry."
    )
    """A commit to a file that has lost its name disappears when the file is closed."""
    IMPOSSIBLE = "The statement can't succeed."
    """A violation of a constraint that the model should have checked: a bug, not a fault of the store."""


class UnfitStore(WriteStoreUnavailable):
    """A database that answers but that Diptych can't use; the message says why and what to do."""


class ForkedMigrations(WriteStoreUnavailable):
    """Several newest migrations, so that no store can be migrated; the message names them."""


_PASSING = ("08", "40", "53", "55P03", "57", "58")
"""SQLSTATEs and their classes: of a server that is unreachable, full of connections, starting, ending, or
failing, and of locks that others have, such as a migration or a dump."""


def is_away(error: WriteStoreUnavailable) -> bool:
    """Return whether a store may answer later without anybody changing a setting."""
    cause = error.__cause__
    if isinstance(cause, DBAPIError):
        cause = cause.orig
    if (state := getattr(cause, "sqlstate", None)) is not None:
        return str(state).startswith(_PASSING)
    return isinstance(cause, OSError | TimeoutError | PoolTimeout)
