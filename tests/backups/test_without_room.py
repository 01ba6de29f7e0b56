"""A backup that fails, at whatever step, leaves nothing behind, and no keys above all."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from app.backups import keys, taking
from app.backups.keys import BadKeys
from app.backups.taking import CannotBackUp, back_up
from app.config import Settings
from app.halves.commanding import open_write_side


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "data")
    async with open_write_side(settings):
        return settings


def no_room(*_arguments: Any, **_more: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("where", "name", "error"),
    [
        (keys, "saved", BadKeys),
        (taking, "sums_of", CannotBackUp),
        (taking, "write", CannotBackUp),
        (os, "rename", CannotBackUp),
    ],
    ids=["while keys are written", "after the keys", "while the manifest is written", "at the end"],
)
async def test_a_backup_for_which_there_is_no_room_leaves_no_file_of_keys(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    error: type[Exception],
) -> None:
    backup, file = tmp_path / "backup", tmp_path / "keys.backup"
    with monkeypatch.context() as full:
        full.setattr(where, name, no_room)
        with pytest.raises(error, match="No space left on device"):
            await back_up(settings, backup, documents=False, keys_file=file)
    assert {each.name for each in settings.data_dir.parent.iterdir()} == {"data"}
    await back_up(settings, backup, documents=False, keys_file=file)
    assert {each.name for each in settings.data_dir.parent.iterdir()} == {"data", "backup", "keys.backup"}


async def test_a_file_that_was_there_before_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "keys.backup"
    file.write_bytes(b"somebody's")
    with pytest.raises(BadKeys, match="exists already"):
        await back_up(settings, tmp_path / "backup", documents=False, keys_file=file)
    assert file.read_bytes() == b"somebody's"
