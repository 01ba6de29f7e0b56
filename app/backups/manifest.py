"""The manifest of a backup: what it contains, and the checksums of its files."""

import os
from collections.abc import Mapping
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

import msgspec

from app.cqrs.impersonal import Impersonal
from app.stores.sql.backups.taking import LogCopy

NAME = "manifest.json"
"""The name of the manifest's file, which is written last."""

FORMAT = 2
"""The version of the form of backups, to be raised when an older program would read one wrongly."""

LOG, DOCUMENTS = "log", "documents"
"""The names of the folders with the copies of the write store and of the documents."""


class BadBackup(Impersonal):
    """A folder that is no backup, or whose files are damaged; the message says what to do."""


class NewerBackup(Impersonal):
    """A backup that only a newer version of Diptych can restore; the message says what to do."""


class FileSum(msgspec.Struct, frozen=True, kw_only=True):
    """The size of a file, and its checksum."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a backup."""

    format: int
    program: str
    """The version of Diptych that made the backup."""
    made_at: datetime
    log: LogCopy
    read_models: tuple[str, ...]
    """The read models whose documents were copied; empty without documents."""
    files: Mapping[str, FileSum]
    """All other files, by their paths in the backup."""

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(each.bytes for each in self.files.values())


class _Form(msgspec.Struct):
    format: int
    program: str = "unknown"


def sums_of(folder: Path) -> Mapping[str, FileSum]:
    """Return the size and checksum of each file in a folder and its folders, by path."""
    return {
        str(file.relative_to(folder)): sum_of(file) for file in sorted(folder.rglob("*")) if file.is_file()
    }


def sum_of(file: Path) -> FileSum:
    """Return the size and checksum of a file."""
    with file.open("rb") as stored:
        digest = file_digest(stored, "sha256").hexdigest()
        return FileSum(bytes=os.fstat(stored.fileno()).st_size, sha256=digest)


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into the folder of its backup."""
    (folder / NAME).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup; raise `BadBackup` or `NewerBackup`."""
    file = folder / NAME
    try:
        stored = file.read_bytes()
    except OSError as error:
        raise BadBackup(
            f"{folder} is no backup: {file} can't be read ({error.strerror}). An interrupted "
            "backup has none.\nName another folder, which `backup` has made."
        ) from error
    try:
        form = msgspec.json.decode(stored, type=_Form)
        if form.format > FORMAT:
            raise NewerBackup(
                f"Diptych {form.program} made the backup in the format {form.format}, and this version knows "
                f"formats up to {FORMAT}.\nUpdate Diptych, and restore again."
            )
        return msgspec.json.decode(stored, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BadBackup(f"{file} is damaged ({error}).\nUse another backup.") from error
