"""The errors of NATS, without its driver."""

from app.cqrs.impersonal import Impersonal


class NatsAway(Impersonal):
    """NATS does not answer at the moment; the caller may try again."""


class NatsError(Impersonal):
    """A setting with which NATS can't be used; the message says what to change."""
