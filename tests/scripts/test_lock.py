"""The locks in requirements/: whole, with hashes, for every platform, and never apart from pyproject.toml."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LOCKS = ("requirements/dev.txt", "requirements/run.txt", "tests/clients/ariadne-codegen.txt")


def pins(lock: str) -> dict[str, str]:
    """Return all entries of a lock by their first lines, with the hashes that follow each."""
    entries = re.split(r"^(?=\S)", Path(lock).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {entry.partition("\n")[0]: entry.partition("\n")[2] for entry in entries if entry.strip()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project with all that scripts/lock looks at."""
    for name in (
        "scripts/lock",
        "scripts/lock.py",
        "pyproject.toml",
        "tests/clients/ariadne-codegen.in",
        *LOCKS,
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, tmp_path / name)
    return tmp_path


def check(project: Path) -> tuple[int, str]:
    command = (sys.executable, "scripts/lock.py", "--check")
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes_and_without_an_address(lock: str) -> None:
    comment, *packages = pins(lock).items()
    assert comment[0].startswith("# Made by scripts/lock")
    assert len(packages) > 10
    for name, hashes in packages:
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z]+\])?==[\w.]+( ; [^/]+)? \\", name)
        assert re.fullmatch(r"(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", hashes)


def test_what_runs_is_locked_alike_for_running_and_for_developing() -> None:
    develops, runs = pins("requirements/dev.txt"), pins("requirements/run.txt")
    assert [name for name in runs if name not in develops and not name.startswith("#")] == []


def test_a_fresh_lock_belongs_to_its_project(project: Path) -> None:
    assert check(project) == (0, "")


def test_contracts_and_settings_of_tools_do_not_touch_the_lock(project: Path) -> None:
    edit(project / "pyproject.toml", "line-length = ", "line-length = 1")
    assert check(project) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "locks"),
    [
        ('"orjson~=', '"orjson<9,~=', ["dev", "run"]),
        ('"pytest~=', '"pytest<99,~=', ["dev"]),
        ('"hatchling~=', '"hatchling<9,~=', ["dev", "run"]),
        ('"gql[aiohttp', '"gql[httpx,aiohttp', ["dev", "run"]),
    ],
)
def test_a_changed_wish_is_noticed_until_it_is_locked(
    project: Path, old: str, new: str, locks: list[str]
) -> None:
    edit(project / "pyproject.toml", old, new)
    wrong = "does not belong to pyproject.toml, or was edited by hand: run scripts/lock."
    assert check(project) == (1, "".join(f"requirements/{lock}.txt {wrong}\n" for lock in locks))


def test_a_lock_that_was_edited_by_hand_is_noticed(project: Path) -> None:
    edit(project / "requirements" / "run.txt", "orjson==", "orjson==0.")
    code, said = check(project)
    assert (code, said.partition(" ")[0]) == (1, "requirements/run.txt")


def test_a_missing_lock_is_noticed(project: Path) -> None:
    (project / "requirements" / "dev.txt").unlink()
    assert check(project) == (1, "requirements/dev.txt is missing: run scripts/lock.\n")


def test_an_older_python_than_the_locks_are_made_for_is_noticed(project: Path) -> None:
    edit(project / "pyproject.toml", 'requires-python = ">=3.11"', 'requires-python = ">=3.10"')
    wrong = (
        "The locks are for Python 3.11 and newer, but pyproject.toml requires >=3.10: change one of them.\n"
    )
    assert check(project) == (1, wrong)
