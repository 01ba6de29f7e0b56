"""Errors of arguments that fit their GraphQL type and are invalid all the same."""

from typing import ClassVar


class BadArgument(Exception):
    """An invalid argument; the message says what to send instead."""

    code: ClassVar[str] = "BAD_USER_INPUT"
    """The code by which clients recognise the error."""
