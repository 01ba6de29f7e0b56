"""The commands that back up the stores and restore them."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.command_line.interrupts.loading import loading
from app.command_line.interrupts.telling import interruptible
from app.command_line.terminal import (
    BAD_SETTING,
    FAILED,
    DataDir,
    console,
    errors,
    explained,
    settings_of,
    stop,
)

if TYPE_CHECKING:
    from app.backups.manifest import Manifest

REMARKS, DAMAGED = 1, 2
"""Exit codes of a check: the backup is whole, but not all of it can be used; it is damaged, or none."""

BACKUP_INTERRUPTED = "The backup was interrupted, and nothing of it remains. Repeat it."
CHECK_INTERRUPTED = "The check was interrupted, and nothing was changed. Repeat it."
RESTORE_INTERRUPTED = (
    "The restore was interrupted. Repeat it: the log is as before or as in the backup, and the service "
    "builds documents that are missing."
)


def backup(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="New folder for the backup, which `restore` takes.")
    ],
    documents: Annotated[
        bool,
        typer.Option(
            "--documents",
            help="Copy documents without personal data, too. A restore builds all others from the log.",
        ),
    ] = False,
    keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="New file for the keys of personal data. Keep it elsewhere, and for a short time only.",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Back up the event log and all that commands rely on. The service may be running or stopped.

    Personal data is sealed in it. It does not have keys, neither those with which
    personal data is sealed nor those that sign tokens.
    """
    settings = settings_of(data_dir=data_dir)

    with loading():
        from app.backups.keys import BadKeys
        from app.backups.taking import CannotBackUp, back_up
        from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable
        from app.stores.mongo.embedded.mongod_binary import MongodError

    expected = (BadKeys, CannotBackUp, MongodError, ReadStoreUnavailable, WriteStoreUnavailable)
    with interruptible(BACKUP_INTERRUPTED), explained(*expected, exit_code=FAILED):
        manifest = asyncio.run(back_up(settings, folder, documents=documents, keys_file=keys))
    _say(f"{folder} has {_described(manifest)}.")
    if keys:
        _say(f"{keys} has the keys of personal data. Remove it when a newer one was made.")
    else:
        _say("The keys of personal data are not in it. Back them up with --keys FILE.")


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `backup` has made.")],
    check: Annotated[
        bool, typer.Option("--check", help="Only check the backup, also its rows. Nothing is changed.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a store that has events, and its documents.")
    ] = False,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File of keys that `backup --keys` has made.")
    ] = None,
    without_keys: Annotated[
        bool,
        typer.Option("--without-keys", help="Restore a backup whose keys are lost. All in it are forgotten."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Restore a backup into the stores of the settings. Stop the service first.

    With --check the exit code is 0 if the backup is whole, 1 if it is whole and this version can't restore
    it or can't read all of its events, and 2 if it is damaged, or its rows are not what its events make of
    them.
    """
    if keys and without_keys:
        stop(
            f"--keys {keys} contradicts --without-keys. Leave out --without-keys to restore with these keys, "
            "or --keys to restore without any.",
            BAD_SETTING,
        )
    settings = settings_of(data_dir=data_dir)

    with loading():
        from app.backups.checking import check as check_backup
        from app.backups.comparing import Different, compare_rows
        from app.backups.keys import BadKeys
        from app.backups.manifest import BadBackup, NewerBackup
        from app.backups.restoring import CannotRestore
        from app.backups.restoring import restore as restore_backup
        from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable
        from app.stores.mongo.embedded.mongod_binary import MongodError

    if check:
        with (
            interruptible(CHECK_INTERRUPTED),
            explained(BadBackup, Different, exit_code=DAMAGED),
            explained(NewerBackup, BadKeys, WriteStoreUnavailable, exit_code=REMARKS),
        ):
            checked = check_backup(folder)
            notes = asyncio.run(compare_rows(folder, checked.manifest, keys))
        _say(f"{folder} is whole: it has {_described(checked.manifest)}.")
        for note in notes:
            _say(note)
        if checked.remarks:
            stop("\n".join(checked.remarks), REMARKS)
        return
    unavailable = (MongodError, ReadStoreUnavailable, WriteStoreUnavailable)
    expected = (BadBackup, BadKeys, NewerBackup, CannotRestore, *unavailable)
    with interruptible(RESTORE_INTERRUPTED), explained(*expected, exit_code=FAILED):
        restored = asyncio.run(
            restore_backup(settings, folder, overwrite=overwrite, keys_file=keys, without_keys=without_keys)
        )
    _say(f"Restored {_described(restored.checked.manifest)}.")
    for remark in restored.checked.remarks:
        errors.print(remark, style="yellow", markup=False, soft_wrap=True)
    if missing := sorted(set(restored.checked.manifest.read_models) - {*restored.with_documents}):
        _say(f"This version projects {', '.join(missing)} in another way, and builds the documents anew.")
    if restored.lost:
        _say(f"The keys of {restored.lost:,} people are missing: the next start forgets these people.")
    _say("Start the service. Tokens and cursors from before are refused, and clients read again.")


def _described(manifest: "Manifest") -> str:
    documents = (
        f", with the documents of {len(manifest.read_models)} read models" if manifest.read_models else ""
    )
    return (
        f"the log up to position {manifest.log.head:,}, from {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC"
        f"{documents} ({manifest.size / 1e6:,.1f} MB)"
    )


def _say(text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
