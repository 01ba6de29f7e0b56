"""What `scripts/test` asks pytest for, tried with a Python that only says what it was asked."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

EVERY_DAY = "-m pytest --numprocesses 2 -m not campaign and not slow"
MOST = "-m pytest --numprocesses 2 -m not campaign"
ALL = "-m pytest --numprocesses 2"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the script, an installation that is done, and environments."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "tests").mkdir()
    shutil.copy("scripts/test", tmp_path / "scripts")
    programs = {"scripts/install": "exit 0"}
    for name in (".venv", ".venv-lowest", ".venv-newest"):
        programs[f"{name}/bin/python"] = f'echo {name} "$@"'
    for name, program in programs.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/usr/bin/env bash\n{program}\n", encoding="utf-8")
        file.chmod(0o700)
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "done"),
    [
        ("", f".venv {EVERY_DAY}"),
        ("--all", f".venv {ALL}"),
        ("--most", f".venv {MOST}"),
        ("--exitfirst -k cart", f".venv {EVERY_DAY} --exitfirst -k cart"),
        ("tests", f".venv {ALL} tests"),
        ("--exitfirst tests::test_it", f".venv {ALL} --exitfirst tests::test_it"),
        ("--lowest", f".venv-lowest {EVERY_DAY}"),
        ("--most --newest --note-slow", f".venv-newest {MOST} --note-slow"),
        ("--all --newest", f".venv-newest {ALL}"),
        ("--newest --all --exitfirst", f".venv-newest {ALL} --exitfirst"),
    ],
)
def test_campaigns_run_where_all_or_they_themselves_are_asked_for(
    asked: str, done: str, project: Path
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VENV"}
    command = ("bash", str(project / "scripts" / "test"), *asked.split())
    said = subprocess.run(command, env=environment, capture_output=True, check=True, encoding="utf-8")
    assert said.stdout == f"{done}\n"
