"""Relative paths that `scripts/diptych` and `scripts/serve` are given, wherever they are called."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SMALL = ("--products", "1", "--customers", "1", "--orders", "0")
ITS_OWN = {"DATA_DIR", "DATABASE_URL", "KEYS_URL", "PYTHONPATH", "VENV"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project whose installation is done, with the program itself."""
    folder = tmp_path / "the project"
    programs = {"scripts/install": "exit 0", ".venv/bin/python": f'exec "{sys.executable}" "$@"'}
    for name, program in programs.items():
        file = folder / name
        file.parent.mkdir(parents=True)
        file.write_text(f"#!/usr/bin/env bash\n{program}\n")
        file.chmod(0o755)
    for name in ("diptych", "serve"):
        shutil.copy(f"scripts/{name}", folder / "scripts")
    for name in ("app", "schema"):
        (folder / name).symlink_to(Path(name).absolute())
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return another folder, in which a package has the name of the program's."""
    folder = tmp_path / "elsewhere"
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "__init__.py").write_text("raise SystemExit('This is another program.')")
    return folder


def called(script: Path | str, *arguments: str, cwd: Path, **environment: str) -> str:
    """Return what a script says in a folder, without what it says of its progress."""
    kept = {name: value for name, value in os.environ.items() if name not in ITS_OWN}
    done = subprocess.run(
        [script, *arguments],
        cwd=cwd,
        env={**kept, "NO_COLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_relative_paths_are_the_callers_and_the_data_folder_is_the_projects(
    project: Path, elsewhere: Path
) -> None:
    script = project / "scripts" / "diptych"
    assert "1 products" in called(script, "demo", *SMALL, cwd=elsewhere)
    assert (project / "data" / "write.db").exists()
    said = called(script, "backup", "mine/monday", "--keys", "keys/monday", cwd=elsewhere)
    assert said.startswith("mine/monday has the log up to position ")
    assert (elsewhere / "mine" / "monday").is_dir()
    assert (elsewhere / "keys" / "monday").is_file()
    assert "mine/monday is whole" in called(script, "restore", "mine/monday", "--check", cwd=elsewhere)
    assert sorted(os.listdir(elsewhere)) == ["app", "keys", "mine"]
    assert sorted(os.listdir(project)) == [".venv", "app", "data", "schema", "scripts"]


def test_a_data_folder_that_is_named_is_relative_to_where_it_is_named(project: Path, elsewhere: Path) -> None:
    script, tail = project / "scripts" / "diptych", ("events", "tail")
    none = "There is no write store in {}. Create one with `serve` or `demo`.\n"
    assert called(script, *tail, cwd=elsewhere) == none.format(project / "data")
    assert called(script, *tail, "--data-dir", "mine", cwd=elsewhere) == none.format("mine")
    assert called(script, *tail, cwd=elsewhere, DATA_DIR="mine") == none.format("mine")
    assert "DATA_DIR=: It is empty." in called(script, *tail, cwd=elsewhere, DATA_DIR="")
    assert called("scripts/diptych", *tail, cwd=project) == none.format("data")


def test_serve_takes_paths_as_the_other_commands_do(project: Path, elsewhere: Path) -> None:
    given = ("--port", "0", "--ssl-certfile", "mine.pem")
    (elsewhere / "mine.pem").write_text("This is no certificate.")
    said = called(project / "scripts" / "serve", *given, "--data-dir", "shop", cwd=elsewhere)
    assert "mine.pem" in said
    assert "No such file" not in said
    assert not (project / "data").exists()
