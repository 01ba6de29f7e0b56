"""A refused restore leaves everything as it was, and makes nothing."""

import os
from pathlib import Path

import pytest

from app.config import Settings
from app.forgetting import opened_keys
from app.stores.sql.keys.layout import KeysCopy
from tests.command_line.calling import diptych
from tests.postgres import Postgres

SMALL = ("--products", "1", "--customers", "2", "--orders", "1")


@pytest.fixture(scope="module")
async def backups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the data of two shops, their backups and their keys."""
    folder = tmp_path_factory.mktemp("backups")
    for name, seed in (("one", 1), ("two", 2)):
        data = ("--data-dir", folder / f"{name}.data")
        assert (await diptych("demo", *SMALL, "--seed", seed, *data))[0] == 0
        made = await diptych("backup", folder / name, "--keys", folder / f"{name}.keys", *data)
        assert made[0] == 0, made[1]
    (folder / "no.keys").write_text("These are no keys.")
    return folder


async def test_a_refused_restore_makes_no_store_of_keys(backups: Path, tmp_path: Path) -> None:
    restore = ("restore", backups / "one", "--data-dir", tmp_path / "new")
    for keys, reason in (
        ((), "The keys of the backup's personal data are not in SQLite"),
        (("--keys", backups / "two.keys"), "The keys of the backup's personal data are not in SQLite"),
        (("--keys", backups / "no.keys"), "is no file of keys, or is damaged."),
    ):
        code, said = await diptych(*restore, *keys)
        assert (code, reason in said) == (1, True), said
        assert not (tmp_path / "new").exists()
    assert (await diptych(*restore, "--keys", backups / "one.keys"))[0] == 0


async def test_a_refused_restore_takes_no_keys_into_a_store_that_has_others(backups: Path) -> None:
    async def stored() -> KeysCopy:
        async with opened_keys(Settings(data_dir=backups / "two.data")) as opened:
            return await opened.store.copy()

    before = await stored()
    restore = ("restore", backups / "one", "--overwrite", "--data-dir", backups / "two.data")
    code, said = await diptych(*restore, "--keys", backups / "one.keys")
    assert (code, "are not in SQLite" in said) == (1, True), said
    assert before.keys
    assert await stored() == before


async def test_a_refused_restore_makes_no_schema_of_keys(
    backups: Path, tmp_path: Path, postgres_server: Postgres
) -> None:
    url = await postgres_server.database()
    restore = ("restore", backups / "one", "--data-dir", tmp_path / "new")
    for keys in ((), ("--keys", backups / "two.keys")):
        code, said = await diptych(*restore, *keys, KEYS_URL=url)
        assert (code, "personal data are not in PostgreSQL" in said) == (1, True), said
    async with opened_keys(Settings(data_dir=tmp_path, keys_url=url)) as opened:
        assert await opened.store.forgotten() == []
        assert (await opened.store.copy()).keys == {}
    assert (await diptych(*restore, "--keys", backups / "one.keys", KEYS_URL=url))[0] == 0
    assert os.listdir(tmp_path / "new") == ["write.db"]


async def test_keys_contradict_a_restore_without_any(backups: Path, tmp_path: Path) -> None:
    restore = ("restore", backups / "one", "--data-dir", tmp_path / "new", "--without-keys")
    code, said = await diptych(*restore, "--keys", backups / "one.keys")
    assert code == 2
    assert (
        f"--keys {backups / 'one.keys'} contradicts --without-keys. Leave out --without-keys to restore"
        in said
    )
    assert "or --keys to restore without any." in said
    assert not (tmp_path / "new").exists()
