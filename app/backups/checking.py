"""Checks of a backup: its files are as they were written, and its log is whole."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.backups.manifest import LOG, BadBackup, FileSum, Manifest, NewerBackup, read, sum_of
from app.declared import EVENTS
from app.stores.sql.backups.contents import Damaged, examine
from app.stores.sql.migrating import is_known


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A backup that is whole."""

    manifest: Manifest
    remarks: Sequence[str]
    """Sentences about events that this program can't read as it stands."""


def check(folder: Path) -> Checked:
    """Check a backup that this program can restore; raise `BadBackup` or `NewerBackup`. It blocks."""
    manifest = read(folder)
    for name, expected in manifest.files.items():
        _refuse_changed(folder, name, expected)
    if not is_known(manifest.log.revision):
        raise NewerBackup(
            f"Diptych {manifest.program} made the backup of a store with the migration "
            f"{manifest.log.revision}, which this version does not know.\nUpdate Diptych, and restore again."
        )
    try:
        found = examine(manifest.log, folder / LOG, EVENTS)
    except Damaged as damage:
        raise BadBackup(f"The backup in {folder} is damaged: {damage}.\nUse another backup.") from damage
    remarks = [
        *_remarks(found.unknown, "of a type that this version does not know, and read models leave out"),
        *_remarks(found.unreadable, "that this version can't read, and at which read models stop"),
    ]
    return Checked(manifest=manifest, remarks=remarks)


def _refuse_changed(folder: Path, name: str, expected: FileSum) -> None:
    try:
        found = sum_of(folder / name)
    except OSError as error:
        raise BadBackup(
            f"The backup in {folder} is damaged: {name} can't be read ({error.strerror}).\n"
            "Use another backup."
        ) from error
    if found != expected:
        difference = (
            f"has {found.bytes:,} bytes instead of {expected.bytes:,}"
            if found.bytes != expected.bytes
            else "has another checksum"
        )
        raise BadBackup(
            f"The backup in {folder} is damaged: {name} {difference} than when it was made.\n"
            "Use another backup."
        )


def _remarks(counts: Counter[str], what: str) -> Iterator[str]:
    for name, count in sorted(counts.items()):
        yield f"{count:,} {'event' if count == 1 else 'events'} {what}: {name}."
