"""What it means that a database refused: whether to try again, and who can mend it."""

from enum import Enum

from app.cqrs.unavailable import WriteStoreUnavailable

_MENDED = "Try again when its operator has mended that."


class Failure(Enum):
    """Why a statement failed; the value is what a client is told, where the store is to blame."""

    LOST_RACE = "Another transaction was first."
    """The same command may succeed if it is loaded and decided again."""
    AWAY = "The write store does not answer. Try again."
    FULL = "The write store has no room left. Try again when its operator has made some."
    READ_ONLY = f"The write store can only be read. {_MENDED}"
    DAMAGED = f"The write store lacks something that Diptych needs; the log says what. {_MENDED}"
    """Such as a table, or the right to write to it."""
    REPLACED = (
        "The write store's file was removed or replaced while the service ran, so nothing is accepted. "
        "Put it back and start the service again, then try again."
    )
    """What is committed to a file that has no name any more is gone when it is closed."""
    IMPOSSIBLE = "The statement can't succeed."
    """It breaks a rule of the database that the model should have kept: a bug, and no fault of the store."""


class UnfitStore(WriteStoreUnavailable):
    """A database that answers, and that Diptych can't use; the text says why and what to do."""
