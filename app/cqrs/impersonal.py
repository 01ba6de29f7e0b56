"""What an exception may say in a log: where it came from, and never what was written, read or asked for.

The texts of exceptions quote values: a KeyError its key, a driver the parameters of a statement, a database
the row that broke a rule. These may be somebody's street, and logs are kept and passed on.
"""

import os
from collections.abc import Iterator
from errno import errorcode
from pathlib import Path
from traceback import walk_tb

FRAMES = 6
"""How many frames of each exception are told: the innermost ones."""


class Impersonal(Exception):
    """An exception whose text quotes nobody's data, because the code that raises it takes care of that."""


def outline(error: BaseException) -> str:
    """Describe an exception and its causes on one line: types, places, and the texts of `Impersonal` ones."""
    return "".join(link + _told(each) for link, each in _chain(error))


def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    link, each, seen = "", error, set[tuple[type, str]]()
    while (alike := (type(each), str(each))) not in seen:  # what failed alike several times is told once
        seen.add(alike)
        yield link, each
        if each.__cause__:
            link, each = ", because of ", each.__cause__
        elif each.__context__ and not each.__suppress_context__:
            link, each = ", after ", each.__context__


def _told(error: BaseException) -> str:
    told = type(error).__qualname__
    if isinstance(error, Impersonal):
        told += f": {error}"
    elif isinstance(error, OSError) and (number := error.errno) in errorcode:
        told += f": {os.strerror(number or 0)}"
    codes = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)][-FRAMES:]
    if places := " > ".join(f"{_short(code.co_filename)}:{line} {code.co_name}" for code, line in codes):
        told += f" (at {places})"
    if isinstance(error, BaseExceptionGroup):
        told += f" [{'; '.join(map(outline, error.exceptions))}]"
    return told


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-3:])
