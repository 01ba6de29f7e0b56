"""Restoring of a backup into the stores of the settings."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from app.backups.checking import Checked, check
from app.backups.keys import read as copy_of_keys
from app.backups.manifest import DOCUMENTS, LOG
from app.config import Settings
from app.cqrs.impersonal import Impersonal
from app.declared import read_models
from app.forgetting import foreseen_keys, opened_keys
from app.stores.mongo.copying import drop_documents, position_of, put_documents_back
from app.stores.mongo.embedded.mongod import any_mongod, folder_of, is_in_use
from app.stores.sql.backups.people import sealed_in
from app.stores.sql.backups.restoring import refuse_unless_free
from app.stores.sql.backups.restoring import restore as restore_log
from app.stores.sql.keys.foreseeing import Foreseen


class CannotRestore(Impersonal):
    """A restore that would do harm; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """The outcome of a restore."""

    checked: Checked
    with_documents: Sequence[str]
    """The read models whose documents were restored; the others are built from the log."""
    lost: int
    """The number of people who are restored as forgotten, because their keys are missing."""


async def restore(
    settings: Settings,
    folder: Path,
    *,
    overwrite: bool,
    keys_file: Path | None = None,
    without_keys: bool = False,
) -> Restored:
    """Make the stores of a stopped service those of a backup, and take in the keys in a file.

    Raise `BadBackup`, `BadKeys`, `NewerBackup`, `CannotRestore`, `WriteStoreUnavailable`,
    `ReadStoreUnavailable` and `MongodError`, each before anything was changed unless the message says
    otherwise.
    """
    checked = await asyncio.to_thread(check, folder)
    models = read_models(settings.days)
    url, database = settings.mongodb_url, settings.mongodb_database
    if url is None and is_in_use(settings.data_dir):
        raise CannotRestore(
            f"A service runs on the data folder {settings.data_dir}.\nStop it, and restore again."
        )
    await refuse_unless_free(settings.write_store, overwrite=overwrite)
    if url and (position := await asyncio.to_thread(position_of, url, database, models)) and not overwrite:
        raise CannotRestore(
            f"The database {database} of MONGODB_URL has documents, up to position {position:,}. They are of "
            "another log than the restored one.\nGive --overwrite to drop them, or set MONGODB_DATABASE to "
            "another database."
        )
    copy = copy_of_keys(keys_file) if keys_file else None
    people = await asyncio.to_thread(sealed_in, folder / LOG)
    if not without_keys:  # The keys are not opened yet, which would make their store, nor changed.
        _refuse_other_keys(checked, await foreseen_keys(settings, copy, people))
    async with opened_keys(settings) as person_keys:
        if copy:
            await person_keys.store.add(copy)
    async with opened_keys(settings) as person_keys:
        keys = await person_keys.of(people)
        lost = [each for each in people if each not in keys and not person_keys.has_forgotten(each)]
        if not without_keys:  # A program may have destroyed some meanwhile.
            _refuse_losses(len(lost), person_keys.store.name)
        if lost:  # The next start forgets them: rows would have closed them, and no document would show it.
            await person_keys.store.destroy(lost)
    # The documents go first: without them an interrupted restore leaves a log from which they are built.
    if url:
        await asyncio.to_thread(drop_documents, url, database, models)
    else:
        await asyncio.to_thread(_remove, folder_of(settings.data_dir))
    for file in settings.search_index_file.parent.glob(f"{settings.search_index_file.name}*"):
        file.unlink()
    await restore_log(
        settings.write_store,
        checked.manifest.log,
        folder / LOG,
        keys,
        overwrite=overwrite,
        backup=await asyncio.to_thread(os.path.abspath, folder),
    )
    if not checked.manifest.read_models:
        return Restored(checked=checked, with_documents=(), lost=len(lost))
    async with AsyncExitStack() as opened:
        if url is None:
            url = await opened.enter_async_context(any_mongod(settings.data_dir, settings.mongod_bin))
        restored = await asyncio.to_thread(put_documents_back, url, database, models, folder / DOCUMENTS)
    return Restored(checked=checked, with_documents=restored, lost=len(lost))


def _refuse_other_keys(checked: Checked, keys: Foreseen) -> None:
    known = checked.manifest.log.keys_id
    if known is not None and known != keys.id and keys.has_keys:
        raise CannotRestore(
            f"The keys of the backup's personal data are not in {keys.name}, which has those of another "
            "log.\nMove these away if nothing needs them, or name another store in KEYS_URL. Then restore "
            "with --keys and the file that `backup --keys` has made. With --without-keys everybody in the "
            "backup is restored as if they had been forgotten, for good."
        )
    if known is not None and known != keys.id:
        raise CannotRestore(
            f"The keys of the backup's personal data are not in {keys.name}.\n"
            "Give --keys with the file that `backup --keys` has made, or name their store in KEYS_URL. With "
            "--without-keys everybody in the backup is restored as if they had been forgotten, for good."
        )
    _refuse_losses(len(keys.missing), keys.name)


def _refuse_losses(lost: int, where: str) -> None:
    if lost:
        raise CannotRestore(
            f"The keys of {lost:,} people in the backup are not in {where}.\n"
            "Give --keys with a file that `backup --keys` has made with the backup, or later. With "
            "--without-keys these people are restored as if they had been forgotten, for good."
        )


def _remove(folder: Path) -> None:
    """Remove a folder at once: it gets another name first."""
    if folder.exists():
        doomed = folder.with_name(f"{folder.name}-removed")
        shutil.rmtree(doomed, ignore_errors=True)
        folder.rename(doomed)
        shutil.rmtree(doomed)
