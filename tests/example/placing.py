"""The program with the example in it: a copy, with every file in its place, and one line more."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
HERE = Path(__file__).parent

PLACES = {
    **{
        f"reviews/{name}.py": f"app/domain/reviews/{name}.py"
        for name in (
            *("__init__", "commands", "events", "refusals", "model"),
            *("tables", "rules", "handlers"),
        )
    },
    "product_reviews.py": "app/read_models/product_reviews.py",
    "migration.py": "app/migrations/versions/9000_products_are_reviewed.py",
    "graphql.py": "schema/reviews.py",
}
"""Where the files of the example go."""


@dataclass(frozen=True)
class Line:
    """A line that is added to a file, right before the line that begins like `before`."""

    file: str
    before: str
    added: str
    forgotten: str
    """What `check` says without it."""


LISTED = Line(
    "schema/root.py",
    '    "sales",',
    '    "reviews",',
    'schema.reviews is left out: add "reviews" to PARTS in schema/root.py.',
)
"""All that the program must be told: contexts and read models are found where they are."""

_NAMES = {
    "tests.example.reviews": "app.domain.reviews",
    "tests.example.product_reviews": "app.read_models.product_reviews",
}


def placed(
    folder: Path,
    *,
    lines: Iterable[Line] = (LISTED,),
    without: Iterable[str] = (),
    changed: Iterable[tuple[str, str, str]] = (),
) -> Path:
    """Return a folder with the program and the example, but for the files `without`.

    `changed` replaces a text of a file by another.
    """
    for part in ("app", "schema"):
        shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", folder)
    migration = folder / PLACES["migration.py"]
    for source, place in PLACES.items():
        if place not in without:
            text = (HERE / source).read_text("utf-8")
            text = text.replace('"0004"', f'"{before_it(migration)}"')  # The shop has got on since.
            for name, other in _NAMES.items():
                text = text.replace(name, other)
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).write_text(text, "utf-8")
    for line in lines:
        _add(line, folder / line.file)
    for file, before, after in changed:
        text = (folder / file).read_text("utf-8")
        assert before in text, (file, before)
        (folder / file).write_text(text.replace(before, after), "utf-8")
    return folder


def before_it(migration: Path) -> str:
    """Return the newest migration beside one that is added, or is to be added."""
    others = (path.name for path in migration.parent.glob("[0-9]*.py") if path.name < migration.name)
    return max(others).partition("_")[0]


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a module of Python's in a folder, whose program it then is."""
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
    )


def _add(line: Line, file: Path) -> None:
    there = file.read_text("utf-8").split("\n")
    [place] = [number for number, text in enumerate(there) if text.startswith(line.before)]
    there.insert(place, line.added)
    file.write_text("\n".join(there), "utf-8")
