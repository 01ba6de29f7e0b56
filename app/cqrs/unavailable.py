"""The two errors of a store that does not answer."""

from app.cqrs.impersonal import Impersonal


class WriteStoreUnavailable(Impersonal):
    """The write store does not answer; what was asked may be asked again, a command with the same id."""


class ReadStoreUnavailable(Impersonal):
    """The read store does not answer; what was asked may be asked again."""
