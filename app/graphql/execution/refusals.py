"""The errors of arguments that pass GraphQL's own types, and can't be meant all the same."""

from typing import ClassVar


class BadArgument(Exception):
    """An argument that can't be meant; the message says what to send instead."""

    code: ClassVar[str] = "BAD_USER_INPUT"
    """The code that clients tell the error by."""
