"""Backups of the keys of personal data, apart from those of the log, and to be kept for a short time only."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from app.cqrs.impersonal import Impersonal
from app.stores.sql.backups.files import saved
from app.stores.sql.keys.actors import Actor
from app.stores.sql.keys.layout import KeysCopy

FORMAT = 1
"""The version of the form of these files."""


class BadKeys(Impersonal):
    """A file of keys that can't be written or read; the message says what to do."""


class _File(msgspec.Struct, kw_only=True):
    format: int
    made_at: datetime
    secrets: Mapping[str, bytes]
    keys: Mapping[UUID, bytes]
    forgotten: Mapping[UUID, datetime]
    actors: Mapping[str, Actor] = msgspec.field(default_factory=dict)


def refuse_place(file: Path, backup: Path) -> None:
    """Raise `BadKeys` if a file can't be made there, or should not."""
    if file.exists():
        raise BadKeys(f"{file} exists already.\nName a file that does not exist.")
    if file.absolute().is_relative_to(backup.absolute()):
        raise BadKeys(
            f"{file} lies in the backup, which has to outlive it: keys are kept for a short time.\n"
            "Name a file elsewhere."
        )


def write(file: Path, copy: KeysCopy) -> None:
    """Write the keys to a new file that only its owner may read; raise `BadKeys`.

    Its folder is made if it is not there.
    """
    stored = _File(
        format=FORMAT,
        made_at=datetime.now(UTC),
        secrets=copy.secrets,
        keys=copy.keys,
        forgotten=copy.forgotten,
        actors=copy.actors,
    )
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(msgspec.json.encode(stored) + b"\n")
        saved(file)
        saved(file.absolute().parent)
    except OSError as error:
        raise BadKeys(
            f"Can't write the keys to {file}: {error.strerror}.\nFix that, or name another file."
        ) from error


def read(file: Path) -> KeysCopy:
    """Return the keys in a file; raise `BadKeys`."""
    try:
        stored = msgspec.json.decode(file.read_bytes(), type=_File)
    except OSError as error:
        raise BadKeys(f"{file} can't be read: {error.strerror}.\nName a file of keys.") from error
    except msgspec.MsgspecError as error:
        raise BadKeys(f"{file} is no file of keys, or is damaged.\nUse another one.") from error
    if stored.format > FORMAT:
        raise BadKeys(f"A newer version of Diptych has made {file}.\nUpdate Diptych, and try again.")
    return KeysCopy(
        secrets=stored.secrets, keys=stored.keys, forgotten=stored.forgotten, actors=stored.actors
    )
