"""The age at which mongod aborts a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from pymongo.database import Database
from pymongo.errors import OperationFailure

from app.cqrs.documents.read_model import Document
from app.cqrs.documents.store import ChangeTooLarge

DEFAULT_LIFETIME = 60.0
"""Seconds after which mongod aborts a transaction by default."""

_NO_SUCH_TRANSACTION, _TOO_LONG = 251, 290
"""Error codes after mongod has aborted a transaction, and while it aborts one that takes too long."""


@contextmanager
def in_time(database: Database[Document]) -> Iterator[None]:
    """Raise `ChangeTooLarge` if mongod aborts the transaction of the block because it takes too long."""
    began = monotonic()
    try:
        yield
    except OperationFailure as error:
        if error.code in (_NO_SUCH_TRANSACTION, _TOO_LONG):
            limit = _longest_transaction(database)
            # A younger transaction was aborted for another reason, such as a fail-over.
            if error.code == _TOO_LONG or monotonic() - began > limit:
                raise ChangeTooLarge(
                    f"it takes longer than {limit:g} seconds, the value of MongoDB's parameter "
                    "transactionLifetimeLimitSeconds: raise that, then retry the read model"
                ) from error
        raise


def _longest_transaction(database: Database[Document]) -> float:
    """Return the age in seconds at which mongod aborts a transaction."""
    question = {"getParameter": 1, "transactionLifetimeLimitSeconds": 1}
    try:
        found = database.client.admin.command(question)
    except OperationFailure:  # only administrators may read the parameter
        return DEFAULT_LIFETIME
    return float(found["transactionLifetimeLimitSeconds"])
