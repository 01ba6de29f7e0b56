"""Translation of MongoDB's errors into those that a retry may overcome and those that always recur."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure

from app.cqrs.documents.store import ChangeImpossible
from app.cqrs.unavailable import ReadStoreUnavailable

# Error codes of mongod for commands that it will never execute: BadValue, FailedToParse, Overflow,
# BSONObjectTooLarge. For any other code the command may succeed later.
_PERMANENT_FOR_COMMANDS = {2, 9, 15, 10334}

# Error codes of single writes that may succeed later: InternalError, UnknownError, WriteConflict,
# ExceededMemoryLimit, UserWritesBlocked, OutOfDiskSpace. For any other code the write will never succeed.
_TEMPORARY_FOR_WRITES = {1, 8, 112, 146, 371, 14031}

# Unauthorized, AuthenticationFailed, IllegalOperation (such as a transaction on a standalone server),
# CommandNotFound, CommandNotSupported, APIStrictError, AtlasError: they last until an operator acts.
_FOR_THE_OPERATOR = {13, 18, 20, 59, 115, 323, 8000}

_QUOTE = re.compile("[{\"']")

logger = logging.getLogger(__name__)


@contextmanager
def unavailable() -> Iterator[None]:
    """Raise `ReadStoreUnavailable` if the store does not answer, or can't execute a command at present."""
    try:
        yield
    except (ConnectionFailure, ConfigurationError) as error:  # the latter from a mongod that is not ready yet
        raise ReadStoreUnavailable("The read store does not answer. Try again.") from error
    except OperationFailure as error:
        refusal = _Refusal.of(error)
        logger.warning(
            "The read store has refused a command: permanent=%s error=%s",
            refusal.is_permanent,
            refusal.message,
        )
        if refusal.is_permanent:
            raise
        if error.code in _FOR_THE_OPERATOR:
            raise ReadStoreUnavailable(
                "The read store refuses the command; the log says why. "
                "Retry when its operator has fixed that."
            ) from error
        raise ReadStoreUnavailable("The read store can't execute the command now. Try again.") from error


@contextmanager
def impossible() -> Iterator[None]:
    """Raise `ChangeImpossible` if the store will never accept a change."""
    try:
        yield
    except OperationFailure as error:
        if (refusal := _Refusal.of(error)).is_permanent:
            raise ChangeImpossible(refusal.message) from None
        raise


@dataclass(frozen=True)
class _Refusal:
    """The reason why mongod refused a command or a write, and whether it always will."""

    message: str
    """mongod's message and code, without the values that it quotes: they may be personal data."""
    is_permanent: bool

    @classmethod
    def of(cls, error: OperationFailure) -> "_Refusal":
        details = error.details or {}
        if writes := details.get("writeErrors"):
            code, message = writes[0]["code"], writes[0]["errmsg"]
            return cls(_without_values(code, message), is_permanent=code not in _TEMPORARY_FOR_WRITES)
        message = _without_values(error.code, details.get("errmsg", ""))
        return cls(message, is_permanent=error.code in _PERMANENT_FOR_COMMANDS)


def _without_values(code: object, message: str) -> str:
    return f"{_QUOTE.split(message)[0].strip()} (code {code})"
