"""How the commands speak to an operator: settings, messages, progress, exit codes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress

from app.config import Settings

BAD_SETTING, FAILED = 2, 1
"""Exit codes: it can't run as it is set up; it ran, and could not do what was asked."""

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the embedded stores, or DATA_DIR; `data` if neither is set."),
]

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def stop(message: str, exit_code: int) -> NoReturn:
    """Ends the program with a message and no traceback."""
    errors.print(message, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(exit_code)


def settings_of(**given: Any) -> Settings:
    """The settings of the environment and the options given; ends the program where they are bad."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as invalid:
        complaints = (
            f"{'.'.join(map(str, error['loc'])).upper()}={error['input']}: {error['msg']}."
            for error in invalid.errors()
        )
        stop("\n".join(complaints), BAD_SETTING)


@contextmanager
def explained(*expected: type[Exception], exit_code: int) -> Iterator[None]:
    """Ends the program with the message of an exception whose text is meant for people."""
    try:
        yield
    except expected as error:
        stop(str(error), exit_code)


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar, on a terminal only; gives a function to call after each step."""
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(description, total=total)
        yield lambda: bar.advance(task)
