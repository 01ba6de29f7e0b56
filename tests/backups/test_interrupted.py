"""Backups and restores that are killed, and backups that are damaged: neither is ever taken for whole."""

import asyncio
import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, STDOUT

import msgspec
import pytest

from app.backups.manifest import NAME, read, write
from app.config import Settings
from app.forgetting import opened_keys
from app.stores.sql.backups.taking import take
from tests.backups.stores import files_of, refuse_wrong_rows, shop_with_orders
from tests.command_line.calling import diptych
from tests.postgres import Postgres

DIES = """
import os, sys
from importlib import import_module
module, name = sys.argv.pop(1).split(":")
setattr(import_module(module), name, lambda *_arguments, **_named: os._exit(9))
from app.__main__ import main
main()
"""
"""The command line, which dies without a warning where it calls a function of a module."""

KILLED = 9


async def killed(*arguments: object, at: str, **environment: str) -> None:
    """Run the command line, which is killed at a function, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DIES, at, *map(str, arguments)),
        env={**os.environ, **environment},
        stdout=PIPE,
        stderr=STDOUT,
    )
    said, _ = await process.communicate()
    assert (process.returncode, said) == (KILLED, b"")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
async def shop(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    mongo_url: str,
    postgres_server: Postgres,
) -> dict[str, str]:
    """The environment of a shop with a backup in the folder that `BACKUP` names."""
    folder = tmp_path_factory.mktemp("shop")
    settings = Settings(
        data_dir=folder,
        mongodb_url=mongo_url,
        mongodb_database=f"interrupted_{request.param}",
        database_url=f"sqlite+aiosqlite:///{folder}/write.db"
        if request.param == "sqlite"
        else await postgres_server.database(),
        keys_url=f"sqlite+aiosqlite:///{folder}/keys.db",
    )
    await shop_with_orders(settings)
    environment = {
        "DATA_DIR": str(folder),
        "DATABASE_URL": str(settings.database_url),
        "KEYS_URL": str(settings.keys_url),
        "MONGODB_URL": mongo_url,
        "MONGODB_DATABASE": settings.mongodb_database,
    }
    code, said = await diptych("backup", folder / "backup", **environment)
    assert (code, "the log up to position" in said) == (0, True), said
    return {**environment, "BACKUP": str(folder / "backup")}


async def test_a_killed_backup_is_none(shop: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "backup"
    await killed("backup", target, at="app.backups.taking:write", **shop)
    [unfinished] = os.listdir(tmp_path)
    assert unfinished.startswith(".backup-unfinished-")
    code, said = await diptych("restore", tmp_path / unfinished, "--check")
    assert code == 2
    assert "An interrupted backup has none" in said
    assert (await diptych("backup", target, **shop))[0] == 0
    assert (await diptych("restore", target, "--check"))[0] == 0


async def test_a_killed_restore_changes_nothing_that_is_seen_and_is_repeated(
    shop: dict[str, str], tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=shop["MONGODB_URL"],
        mongodb_database=f"{shop['MONGODB_DATABASE']}_killed",
        database_url=shop["DATABASE_URL"].replace(shop["DATA_DIR"], str(tmp_path)),
        keys_url=shop["KEYS_URL"],
    )
    target = {**shop, "DATA_DIR": str(tmp_path), "MONGODB_DATABASE": settings.mongodb_database}
    target["DATABASE_URL"] = url = str(settings.database_url)
    on_sqlite = url.startswith("sqlite")
    await shop_with_orders(settings)
    (tmp_path / "looked at").mkdir()
    async with opened_keys(settings) as keys:
        before = await take(url, tmp_path / "looked at", keys)
    points = ["app.stores.sql.backups.restoring:_renew"]
    if on_sqlite:
        points.append("app.stores.sql.backups.placing:_replaced")
    for point in points:
        await killed("restore", shop["BACKUP"], "--overwrite", at=point, **target)
        if on_sqlite:
            for command in (
                ("demo",),
                ("backup", tmp_path / "never"),
                ("doctor", "--json"),
                ("revoke", "Eve"),
            ):
                code, said = await diptych(*command, **target)
                assert code != 0
                assert f"Repeat it with `restore {shop['BACKUP']}`" in said
        else:
            await refuse_wrong_rows(settings, before.head)
    # SQLite's marker has the operator's decision.
    again = () if on_sqlite else ("--overwrite",)
    code, said = await diptych("restore", shop["BACKUP"], *again, **target)
    assert code == 0, said
    await refuse_wrong_rows(settings, read(Path(shop["BACKUP"])).log.head)


def shortened(folder: Path) -> str:
    return _changed(folder, lambda content: content[:-100])


def flipped(folder: Path) -> str:
    middle = len(_largest(folder).read_bytes()) // 2
    return _changed(
        folder, lambda content: content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    )


def removed(folder: Path) -> str:
    _largest(folder).unlink()
    return "can't be read"


def without_its_manifest(folder: Path) -> str:
    (folder / NAME).unlink()
    return "An interrupted backup has none"


def with_half_a_manifest(folder: Path) -> str:
    manifest = folder / NAME
    manifest.write_bytes(manifest.read_bytes()[:500])
    return f"{NAME} is damaged"


def with_a_shorter_log(folder: Path) -> str:
    """The checksums are right, and the log is not the one that the manifest names."""
    _rewritten(folder, lambda stored: stored["log"].update(head=stored["log"]["head"] + 1))
    return "the position of the newest event"


def _changed(folder: Path, change: Callable[[bytes], bytes]) -> str:
    largest = _largest(folder)
    largest.write_bytes(change(largest.read_bytes()))
    return str(largest.relative_to(folder))


def _largest(folder: Path) -> Path:
    return max((folder / "log").iterdir(), key=lambda each: each.stat().st_size)


def _rewritten(folder: Path, change: Callable[[dict[str, dict[str, int]]], None]) -> None:
    stored = json.loads((folder / NAME).read_bytes())
    change(stored)
    (folder / NAME).write_text(json.dumps(stored))


@pytest.mark.parametrize(
    "damaged",
    [shortened, flipped, removed, without_its_manifest, with_half_a_manifest, with_a_shorter_log],
)
async def test_a_damaged_backup_is_found_and_never_restored(
    shop: dict[str, str], tmp_path: Path, damaged: Callable[[Path], str]
) -> None:
    copy = tmp_path / "backup"
    _copied(Path(shop["BACKUP"]), copy)
    where = damaged(copy)
    code, said = await diptych("restore", copy, "--check")
    assert code == 2
    assert where in said
    before = files_of(Path(shop["DATA_DIR"]))
    code, again = await diptych("restore", copy, "--overwrite", **shop)
    assert (code, again) == (1, said)
    assert files_of(Path(shop["DATA_DIR"])) == before


async def test_a_backup_of_a_newer_version_is_left_to_it(shop: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "backup"
    _copied(Path(shop["BACKUP"]), copy)
    manifest = read(copy)
    newer = msgspec.structs.replace(manifest, program="9.9", format=99)
    write(copy, newer)
    code, said = await diptych("restore", copy, "--check")
    assert (code, "Diptych 9.9 made the backup in the format 99" in said) == (1, True), said
    log = dataclasses.replace(manifest.log, revision="9999")
    write(copy, msgspec.structs.replace(manifest, log=log))
    code, said = await diptych("restore", copy, "--check")
    assert (code, "the migration 9999" in said and "Update Diptych" in said) == (1, True), said
    code, again = await diptych("restore", copy, "--overwrite", **shop)
    assert (code, again) == (1, said)


def _copied(source: Path, target: Path) -> None:
    for name, content in files_of(source).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(content)
