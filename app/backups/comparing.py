"""The comparison of a backup's rows with its events, in a store of its own that is gone afterwards."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from uuid_utils.compat import uuid7

from app.backups.keys import read as copy_of_keys
from app.backups.manifest import LOG, Manifest
from app.cqrs.commands.write_store import Cause
from app.cqrs.operating.folding import Folding, states_in_rows
from app.declared import AGGREGATES, EVENTS
from app.stores.sql.backups.people import sealed_in
from app.stores.sql.backups.restoring import restore as restore_log
from app.stores.sql.engines.opening import open_database
from app.stores.sql.keys.person_keys import PersonKeys
from app.stores.sql.keys.store import open_keys
from app.stores.sql.write_store import SqlWriteStore

NAMED = 10
"""Aggregates that are named; all are counted."""
TOGETHER = 1_000
"""Events that are read at once."""


class Different(Exception):
    """Rows that are not what the events make of them; the message says which."""


async def compare_rows(folder: Path, manifest: Manifest, keys_file: Path | None) -> Sequence[str]:
    """Compare the state of each aggregate in a backup with what its events make of it.

    Personal data is compared if a file of its keys is given. Return sentences about what was not compared.
    Raise `BadKeys`, `Different`, and `WriteStoreUnavailable` if there is no room for the copy.
    """
    with TemporaryDirectory(prefix="diptych-check-") as temporary:
        store = Path(temporary) / "write.db"
        async with open_keys(Path(temporary) / "keys.db") as key_store:
            if keys_file:
                await key_store.add(copy_of_keys(keys_file))
            keys = await PersonKeys.read(key_store)
            people = sealed_in(folder / LOG)
            await restore_log(store, manifest.log, folder / LOG, await keys.of(people), overwrite=False)
            async with open_database(store) as engines:
                return await _compared(SqlWriteStore(engines, EVENTS, keys=keys), with_people=bool(keys_file))


async def _compared(log: SqlWriteStore, *, with_people: bool) -> Sequence[str]:
    folding, position = Folding(AGGREGATES), 0
    while events := await log.read(after=position, limit=TOGETHER):
        for event in events:
            folding.take(event)
        position = events[-1].position
    id = uuid7()
    cause = Cause(command_id=id, correlation_id=id, actor="check", at=datetime.now(UTC))
    async with log.begin(cause) as work:
        rows = await states_in_rows(work, AGGREGATES)
    found = list(folding.differences(rows))
    if found:
        more = f"; and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
        raise Different(
            f"{len(found):,} rows are not what the events of the backup make of them: "
            f"{'; '.join(found[:NAMED])}{more}.\nUse another backup."
        )
    remarks = []
    if folding.left_out:
        remarks.append(
            f"{len(folding.left_out):,} streams were not compared with their rows: they have events that "
            "this version does not know or can't read."
        )
    if not with_people:
        remarks.append("Personal data was not compared, because it is sealed: give --keys FILE for that.")
    return remarks
