"""The errors for a store that does not answer."""

from app.cqrs.impersonal import Impersonal


class WriteStoreUnavailable(Impersonal):
    """The write store does not answer. The caller may retry: a query as it is, a command with the same id."""


class ReadStoreUnavailable(Impersonal):
    """The read store does not answer. The caller may retry."""


class WriteStoreBusy(WriteStoreUnavailable):
    """The queue of commands is too long. This command was not begun; the caller may retry later."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            "More commands come than can be carried out, so this one was not begun. "
            f"Send it again in {wait:.1f} seconds."
        )
        self.wait = wait
        """Seconds after which the command may be sent again."""
