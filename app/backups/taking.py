"""Backups, which are made while the service works, and are complete or not there at all."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import mkdtemp

from app.backups import keys
from app.backups.manifest import DOCUMENTS, FORMAT, LOG, Manifest, sums_of, write
from app.config import Settings
from app.cqrs.documents.declared import has_personal_data
from app.cqrs.impersonal import Impersonal
from app.declared import read_models
from app.forgetting import opened_keys
from app.stores.mongo.copying import copy_documents
from app.stores.mongo.embedded.mongod import any_mongod, folder_of
from app.stores.sql.backups.files import saved
from app.stores.sql.backups.taking import take


class CannotBackUp(Impersonal):
    """A backup that can't be made; the message says why, and what to do."""


async def back_up(
    settings: Settings, target: Path, *, documents: bool, keys_file: Path | None = None
) -> Manifest:
    """Copy the write store, and the documents if wanted, into a folder that does not exist yet or is empty.

    Documents with personal data are left out, because they are built from the log, which is sealed.
    The keys of personal data go into `keys_file`, if that is given, after the log that needs them. If no
    backup comes of it, neither the folder nor that file remains.
    Raise `BadKeys`, `CannotBackUp`, `WriteStoreUnavailable`, `ReadStoreUnavailable` and `MongodError`.
    """
    if keys_file:
        keys.refuse_place(keys_file, target)
    with ExitStack() as if_it_fails:
        with _new_folder(target) as folder:
            (folder / LOG).mkdir(mode=0o700)
            # The documents come first: a checkpoint after the end of its log would fail the read model.
            copied = await _documents(settings, folder) if documents else []
            async with opened_keys(settings) as person_keys:
                log = await take(settings.write_store, folder / LOG, person_keys)
                if keys_file:
                    if_it_fails.callback(keys_file.unlink, missing_ok=True)
                    keys.write(keys_file, await person_keys.store.copy())
            files = await asyncio.to_thread(sums_of, folder)
            manifest = Manifest(
                format=FORMAT,
                program=_own_version(),
                made_at=datetime.now(UTC),
                log=log,
                read_models=tuple(copied),
                files=files,
            )
            write(folder, manifest)
        if_it_fails.pop_all()
    return manifest


async def _documents(settings: Settings, folder: Path) -> list[str]:
    copies = folder / DOCUMENTS
    copies.mkdir(mode=0o700)
    async with AsyncExitStack() as opened:
        url = settings.mongodb_url
        if url is None:
            if not await asyncio.to_thread(folder_of(settings.data_dir).exists):
                raise CannotBackUp(
                    f"There are no documents in {settings.data_dir}.\nBack up without --documents."
                )
            url = await opened.enter_async_context(any_mongod(settings.data_dir, settings.mongod_bin))
        # A backup outlives a person who is forgotten, and their documents would be in the open there.
        models = [each for each in read_models(settings.days) if not has_personal_data(each)]
        return await asyncio.to_thread(copy_documents, url, settings.mongodb_database, models, copies)


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Yield a folder beside the target, which gets its name once all is written and on the disk."""
    target = target.absolute()
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise CannotBackUp(f"{target} exists already.\nName a folder that does not exist, or is empty.")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Only its owner may read it: the log has personal data.
        folder = Path(mkdtemp(prefix=f".{target.name}-unfinished-", dir=target.parent))
        try:
            yield folder
            for path in [*folder.rglob("*"), folder]:
                path.chmod(0o700 if path.is_dir() else 0o600)
                saved(path)
            os.rename(folder, target)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        saved(target.parent)
    except OSError as error:
        raise CannotBackUp(
            f"Can't write the backup to {target}: {error.strerror or error}.\n"
            "Fix that, or name another folder."
        ) from error


def _own_version() -> str:
    try:
        return version("diptych")
    except PackageNotFoundError:  # It runs from its sources.
        return "unknown"
