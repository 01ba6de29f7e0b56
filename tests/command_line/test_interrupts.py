"""Ctrl-C ends a command quietly while it loads, and later with a sentence that says what to do."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from typer.testing import CliRunner

from app.__main__ import command_line
from app.config import Settings
from tests.inprocess import serving

LOADING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)

class Interrupting:
    name = sys.argv.pop(1)
    def find_spec(self, name, *_):
        if name == self.name:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from app.__main__ import main
main()
"""
"""The command line, at which somebody presses Ctrl-C when a module begins to be imported."""

WORKING = """
import os, signal, sys
from importlib import import_module
signal.signal(signal.SIGINT, signal.default_int_handler)
where, count = sys.argv.pop(1).split("*")
module, name = where.split(":")
called, calls = getattr(import_module(module), name), iter(range(1, 1_000_000))

def interrupted(*arguments, **named):
    if next(calls) == int(count):
        os.kill(os.getpid(), signal.SIGINT)
    return called(*arguments, **named)

setattr(import_module(module), name, interrupted)
from app.__main__ import main
main()
"""
"""The command line, at which somebody presses Ctrl-C when a function is called for that many times."""

SMALL = ("--products", "3", "--customers", "2", "--orders", "2")


async def said(program: str, *arguments: object) -> tuple[int | None, str]:
    """Return the exit code of the command line and all that it says."""
    named = {"DATABASE_URL", "KEYS_URL", "MONGODB_URL", "MONGOD_BIN", "DATA_DIR"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *map(str, arguments)),
        env={name: value for name, value in os.environ.items() if name not in named},
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    return process.returncode, (output + errors).decode()


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("pydantic", ("serve",)),
        ("app.command_line.serve", ("demo",)),
        ("app.server.serving", ("serve", "--port", "0")),
        ("app.halves.commanding", ("demo",)),
        ("app.backups.taking", ("backup", "never")),
        ("app.backups.restoring", ("restore", "never")),
    ],
)
async def test_a_command_that_is_loading_ends_quietly(
    tmp_path: Path, module: str, command: tuple[str, ...]
) -> None:
    folder = tmp_path / "data"
    assert await said(LOADING, module, *command, "--data-dir", folder) == (130, "")
    assert not folder.exists()


async def repeated(*arguments: object) -> str:
    """Return what the command line says in this process, where nobody interrupts it."""
    result = await asyncio.to_thread(CliRunner().invoke, command_line, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.campaign
async def test_an_interrupted_demo_goes_on_where_it_was_when_it_is_repeated(tmp_path: Path) -> None:
    demo = ("demo", *SMALL, "--data-dir", tmp_path / "data")
    code, outcome = await said(WORKING, "app.demo.filling:_send*4", *demo)
    assert code == 130
    assert outcome.startswith(
        "The demo was interrupted. Repeat it with the same options: what exists already "
    )
    assert outcome.count("\n") == 1
    rest = added_in(await repeated(*demo))
    assert rest == added_in(await repeated(*demo[:-1], tmp_path / "another")) - 3
    assert "no events added" in await repeated(*demo)


async def test_a_rebuild_goes_on_in_the_service_when_nobody_waits_for_it(
    tmp_path: Path, mongo_url: str
) -> None:
    settings = Settings(data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name)
    async with serving(settings) as service:
        waiting = ("projections", "rebuild", "activity", "--url", service.client.url)
        watching = "app.command_line.read_models.rebuilding:_watched*1"
        code, outcome = await said(WORKING, watching, *waiting)
        assert (code, outcome) == (
            130,
            "The rebuild goes on. `projections status` shows it, and `projections abort` ends it.\n",
        )


@pytest.mark.parametrize("command", ["check", "schema"])
def test_an_output_that_can_not_be_written_is_told_in_one_line(command: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "app", command], stdout=full, stderr=PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (
        1,
        "The output can't be written: No space left on device.\n",
    )


def added_in(outcome: str) -> int:
    """Return how many events a demo says that it has added."""
    return int(outcome.split(". ")[1].split()[0])


@pytest.mark.campaign
async def test_an_interrupted_backup_or_restore_says_what_remains_and_is_repeated(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    data, keys = ("--data-dir", tmp_path / "data"), ("--keys", mine / "keys")
    await repeated("demo", *SMALL, *data)
    assert await said(WORKING, "app.backups.taking:sums_of*1", "backup", mine / "backup", *keys, *data) == (
        130,
        "The backup was interrupted, and nothing of it remains. Repeat it.\n",
    )
    assert os.listdir(mine) == []
    await repeated("backup", mine / "backup", *keys, *data)

    check = ("restore", mine / "backup", "--check")
    assert await said(WORKING, "app.backups.checking:check*1", *check) == (
        130,
        "The check was interrupted, and nothing was changed. Repeat it.\n",
    )
    restore = ("restore", mine / "backup", *keys, "--data-dir", tmp_path / "restored")
    code, outcome = await said(WORKING, "app.stores.sql.backups.restoring:_renew*1", *restore)
    assert code == 130
    assert outcome.startswith("The restore was interrupted. Repeat it: the log is as before or as in the ")
    assert os.listdir(tmp_path / "restored") == ["keys.db"]
    assert "Restored the log up to position" in await repeated(*restore)
