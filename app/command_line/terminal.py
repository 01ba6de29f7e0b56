"""Settings, messages, progress bars and exit codes of the command line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rich.console import Console
from rich.progress import Progress

from app.access.settings import SECRET
from app.config import Settings

BAD_SETTING, FAILED = 2, 1
"""Exit codes: the settings do not allow the command to run; the command ran and failed."""

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the embedded stores. Default: DATA_DIR, else `data`."),
]

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def stop(message: str, exit_code: int) -> NoReturn:
    """End the program with a message and without a traceback."""
    errors.print(message, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(exit_code)


def settings_of(**given: Any) -> Settings:
    """Return the settings from the environment and the given options; end the program if any is invalid."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as invalid:
        stop("\n".join(f"{_named(error)}{error['msg']}." for error in invalid.errors()), BAD_SETTING)


def _named(error: ErrorDetails) -> str:
    """Return the setting that an error is about, and its value unless that is a secret."""
    if not error["loc"]:
        return ""  # It is about several settings, and names them itself.
    name = ".".join(map(str, error["loc"]))
    return f"{name.upper()}: " if name in SECRET else f"{name.upper()}={error['input']}: "


@contextmanager
def explained(*expected: type[Exception], exit_code: int) -> Iterator[None]:
    """End the program with the message of an expected exception, whose text is written for operators."""
    try:
        yield
    except expected as error:
        stop(str(error), exit_code)


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar if standard error is a terminal; yield a function to call after each step."""
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(description, total=total)
        yield lambda: bar.advance(task)
