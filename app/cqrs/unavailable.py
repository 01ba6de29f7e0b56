"""The two errors of a store that does not answer."""

from app.cqrs.impersonal import Impersonal


class WriteStoreUnavailable(Impersonal):
    """The write store does not answer; what was asked may be asked again, a command with the same id."""


class ReadStoreUnavailable(Impersonal):
    """The read store does not answer; what was asked may be asked again."""


class WriteStoreBusy(WriteStoreUnavailable):
    """More commands come than can be carried out; this one was not begun, and may be sent again."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            "More commands come than can be carried out, so this one was not begun. "
            f"Send it again in {wait:.1f} seconds."
        )
        self.wait = wait
        """Seconds that it would have waited."""
