"""What it means that MongoDB did not do what it was asked: to wait and try again, or never to."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure

from app.cqrs.documents.store import ChangeImpossible
from app.cqrs.unavailable import ReadStoreUnavailable

# mongod's codes. A refused command is no fault of its own, but for these (BadValue, FailedToParse, Overflow,
# BSONObjectTooLarge); a refused write is, but for those (InternalError, UnknownError, WriteConflict,
# ExceededMemoryLimit, UserWritesBlocked, OutOfDiskSpace).
_BLAMES_THE_COMMAND = {2, 9, 15, 10334}
_BLAMES_NO_WRITE = {1, 8, 112, 146, 371, 14031}

# Unauthorized, AuthenticationFailed, IllegalOperation (such as a transaction on a standalone server),
# CommandNotFound, CommandNotSupported, APIStrictError, AtlasError: it is the same until somebody mends it.
_FOR_THE_OPERATOR = {13, 18, 20, 59, 115, 323, 8000}

_QUOTE = re.compile("[{\"']")

logger = logging.getLogger(__name__)


@contextmanager
def unavailable() -> Iterator[None]:
    """Raises `ReadStoreUnavailable` where the store does not answer, or can't do now what it is asked."""
    try:
        yield
    except (ConnectionFailure, ConfigurationError) as error:  # the latter of a mongod that is not ready yet
        raise ReadStoreUnavailable("The read store does not answer. Try again.") from error
    except OperationFailure as error:
        refusal = _Refusal.of(error)
        logger.warning("The read store refuses: %s", refusal.words)
        if refusal.for_good:
            raise
        if error.code in _FOR_THE_OPERATOR:
            raise ReadStoreUnavailable(
                "The read store refuses it; the log says why. Try again when its operator has mended that."
            ) from error
        raise ReadStoreUnavailable("The read store can't do it now. Try again.") from error


@contextmanager
def impossible() -> Iterator[None]:
    """Raises `ChangeImpossible` where the store will never make a change."""
    try:
        yield
    except OperationFailure as error:
        if (refusal := _Refusal.of(error)).for_good:
            raise ChangeImpossible(refusal.words) from None
        raise


@dataclass(frozen=True)
class _Refusal:
    """Why mongod did not do what it was asked, and whether it never will."""

    words: str
    """mongod's code and message, up to where it quotes what was asked or written: that may be personal."""
    for_good: bool

    @classmethod
    def of(cls, error: OperationFailure) -> "_Refusal":
        details = error.details or {}
        if writes := details.get("writeErrors"):
            code, message = writes[0]["code"], writes[0]["errmsg"]
            return cls(_words(code, message), for_good=code not in _BLAMES_NO_WRITE)
        words = _words(error.code, details.get("errmsg", ""))
        return cls(words, for_good=error.code in _BLAMES_THE_COMMAND)


def _words(code: object, message: str) -> str:
    return f"{_QUOTE.split(message)[0].strip()} (code {code})"
