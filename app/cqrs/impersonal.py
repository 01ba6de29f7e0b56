"""Descriptions of exceptions for the log, without personal data.

The texts of exceptions quote values: a KeyError its key, a driver the parameters of a statement, a database
the row that violates a constraint. Such a value may be somebody's address, and logs are kept and passed on.
"""

import os
from collections.abc import Iterator
from errno import errorcode
from pathlib import Path
from traceback import walk_tb

FRAMES = 6
"""Frames of each exception that are described: the innermost ones."""


class Impersonal(Exception):
    """An exception whose text contains no personal data; the code that raises it ensures that."""


def outline(error: BaseException) -> str:
    """Describe an exception and its causes on one line: types, code locations, texts of `Impersonal` ones."""
    return "".join(link + _described(each) for link, each in _chain(error))


def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    link, each, seen = "", error, set[tuple[type, str]]()
    while (alike := (type(each), str(each))) not in seen:  # repetitions of an error are described once
        seen.add(alike)
        yield link, each
        if each.__cause__:
            link, each = ", because of ", each.__cause__
        elif each.__context__ and not each.__suppress_context__:
            link, each = ", after ", each.__context__


def _described(error: BaseException) -> str:
    text = type(error).__qualname__
    if isinstance(error, Impersonal):
        text += f": {error}"
    elif isinstance(error, OSError) and (number := error.errno) in errorcode:
        text += f": {os.strerror(number or 0)}"
    codes = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)][-FRAMES:]
    if locations := " > ".join(f"{_short(code.co_filename)}:{line} {code.co_name}" for code, line in codes):
        text += f" (at {locations})"
    if isinstance(error, BaseExceptionGroup):
        text += f" [{'; '.join(map(outline, error.exceptions))}]"
    return text


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-3:])
