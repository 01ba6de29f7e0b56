"""A backup that is made under load is one moment of the store, and is restored whole, to either database."""

import asyncio
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.backups.checking import check
from app.backups.restoring import CannotRestore, restore
from app.backups.taking import CannotBackUp, back_up
from app.config import Settings
from app.cqrs.unavailable import WriteStoreUnavailable
from app.forgetting import opened_keys
from app.halves.commanding import open_write_side
from app.stores.sql.backups.people import sealed_in
from app.stores.sql.backups.portable import layout, stored_rows
from app.stores.sql.backups.restoring import FUNCTIONS
from app.stores.sql.backups.restoring import restore as restore_log
from app.stores.sql.backups.taking import LogCopy, take
from tests.backups.stores import (
    ASK,
    busy,
    but,
    files_of,
    refuse_wrong_rows,
    shop_with_orders,
    until_caught_up,
)
from tests.faults.checks.documents import LIVE, REBUILT, check_documents, documents, rebuild
from tests.inprocess import Service, serving
from tests.migrations.stores import filled, migrated, migrating
from tests.postgres import Postgres
from tests.schema.shop import Shop

PROGRESS = "subscription { rebuildProgress { readModel state } }"


@pytest.fixture
def settings(tmp_path: Path, mongo_url: str, new_database_url: str) -> Settings:
    return Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name[:40],
        database_url=new_database_url,
        keys_url=f"sqlite+aiosqlite:///{tmp_path}/keys.db",
    )


@pytest.fixture(params=["into SQLite", "into PostgreSQL"])
async def elsewhere(
    request: pytest.FixtureRequest, settings: Settings, tmp_path: Path, postgres_server: Postgres
) -> Settings:
    """Empty stores to restore into."""
    url = f"sqlite+aiosqlite:///{tmp_path}/restored.db"
    if request.param == "into PostgreSQL":
        url = await postgres_server.database()
    return but(settings, database_url=url, mongodb_database=f"{settings.mongodb_database[:40]}_restored")


async def test_a_backup_under_load_is_restored_whole_and_takes_no_token_of_the_store_before(
    settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    async with serving(settings) as service:
        async with busy(service):
            before = await service.circle.log.head()
            manifest = await back_up(settings, tmp_path / "backup", documents=False)
            await Shop(service.client).order()
        kept_token, newest = service.circle.tokens.write(before), service.client.seen
        assert before <= manifest.log.head < await service.circle.log.head()
    assert check(tmp_path / "backup").remarks == []

    await restore(elsewhere, tmp_path / "backup", overwrite=False)
    await refuse_wrong_rows(elsewhere, manifest.log.head)
    async with serving(but(elsewhere, read_patience=30)) as service:
        await until_caught_up(service)
        for token in (kept_token, newest):
            async with asyncio.timeout(10):  # It does not wait for the position.
                argument = await service.client.send(ASK, {"atLeast": [token]}, token=None)
                header = await service.client.send(ASK, {}, token=token)
            assert argument.codes == header.codes == ["BAD_TOKEN"]
        await Shop(service.client).order()  # Positions continue, and triggers act.
        await until_caught_up(service)
        found = (await service.client.send(ASK)).data
        assert {each["state"] for each in found["freshness"]} == {"LIVE"}
    again = await taken(elsewhere, tmp_path / "again")
    assert again.store_id != manifest.log.store_id
    assert again.tables["commands"].rows == manifest.log.tables["commands"].rows + 4


async def taken(settings: Settings, folder: Path) -> LogCopy:
    """A copy of the write store, in a new folder."""
    os.mkdir(folder)
    async with opened_keys(settings) as keys:
        return await take(settings.write_store, folder, keys)


async def test_documents_come_with_a_checkpoint_within_their_log_and_go_on_from_there(
    tmp_path: Path, mongo_url: str
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/write.db"
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database="before",
        database_url=url,
        keys_url=f"sqlite+aiosqlite:///{tmp_path}/keys.db",
    )
    elsewhere = but(
        settings, database_url=f"sqlite+aiosqlite:///{tmp_path}/restored.db", mongodb_database=LIVE
    )
    async with serving(settings) as service, busy(service):
        await until_caught_up(service)
        await rebuilt_online(service)
        manifest = await back_up(settings, tmp_path / "backup", documents=True)
    assert {*manifest.read_models} == {"product_listing", "sales_by_day"}
    restored = await restore(elsewhere, tmp_path / "backup", overwrite=False)
    assert [*restored.with_documents] == [*manifest.read_models]
    origins = await origins_in(mongo_url)
    assert len(origins) == len(manifest.read_models)
    async with serving(elsewhere) as service:
        await until_caught_up(service)
        states = (await service.client.send(ASK)).data["freshness"]
        assert {each["state"] for each in states} == {"LIVE"}
    assert origins.items() <= (await origins_in(mongo_url)).items(), "none of these was built anew"
    await rebuild(str(elsewhere.database_url), mongo_url, elsewhere.keys_url)
    assert [*check_documents(await documents(mongo_url, LIVE), await documents(mongo_url, REBUILT))] == []


async def rebuilt_online(service: Service) -> None:
    """The documents of one read model are another generation's from now on."""
    served = service.circle.rebuilds.serving["sales_by_day"].model
    started = await service.client.send(
        "mutation { rebuildReadModel(input: {readModel: SALES_BY_DAY}) { errors { message } } }"
    )
    assert started.data["rebuildReadModel"]["errors"] == []
    async with asyncio.timeout(60), service.client.subscribe(PROGRESS) as reports:
        while service.circle.rebuilds.serving["sales_by_day"].model is served:
            await reports.next()


async def origins_in(mongo_url: str) -> dict[str, str]:
    """By read model: an id that another one replaces where its documents are cleared and built anew."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_url)
    async with client:
        found = client[LIVE]["checkpoints"].find({"position": {"$gt": 0}})
        return {each["_id"]: each["origin"] async for each in found}


async def test_the_key_of_tokens_stays_out_of_a_backup(settings: Settings, tmp_path: Path) -> None:
    async with open_write_side(settings) as write_side:
        key = await write_side.log.token_key()
    await back_up(settings, tmp_path / "backup", documents=False)
    for name, content in files_of(tmp_path / "backup").items():
        for form in (key, b64encode(key), key.hex().encode()):
            assert form not in content, name
    for path in [tmp_path / "backup", *(tmp_path / "backup").rglob("*")]:
        assert not path.stat().st_mode & 0o077, "others may not read personal data"


async def test_a_store_with_data_is_replaced_only_if_the_operator_says_so(
    settings: Settings, tmp_path: Path
) -> None:
    await shop_with_orders(settings)
    manifest = await back_up(settings, tmp_path / "backup", documents=False)
    await shop_with_orders(settings)
    with pytest.raises(WriteStoreUnavailable, match=r"its log has \d+ events"):
        await restore(settings, tmp_path / "backup", overwrite=False)
    later = (await taken(settings, tmp_path / "later")).head
    assert later > manifest.log.head
    # Documents of another log would be dropped, too.
    empty = f"sqlite+aiosqlite:///{tmp_path}/empty.db"
    with pytest.raises(CannotRestore, match=f"has documents, up to position {later}"):
        await restore(but(settings, database_url=empty), tmp_path / "backup", overwrite=False)
    await restore(settings, tmp_path / "backup", overwrite=True)
    await refuse_wrong_rows(settings, manifest.log.head)
    async with serving(settings) as service:
        await until_caught_up(service)
        assert (await service.client.send(ASK)).data["orders"]["totalCount"] == 2


async def test_nothing_is_restored_under_a_running_service(settings: Settings, tmp_path: Path) -> None:
    async with serving(settings) as service:
        await Shop(service.client).order()
        head = await service.circle.log.head()
        await back_up(settings, tmp_path / "backup", documents=False)
        with pytest.raises(WriteStoreUnavailable, match="Stop the service, and restore again"):
            await restore(settings, tmp_path / "backup", overwrite=True)
        await Shop(service.client).order()
        assert await service.circle.log.head() > head
        await until_caught_up(service)


async def test_a_full_folder_and_an_absent_store_are_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(CannotBackUp, match="exists already"):
        await back_up(settings, tmp_path / "full", documents=False)
    with pytest.raises(WriteStoreUnavailable, match=r"(nothing|no store) to back up"):
        await back_up(settings, tmp_path / "backup", documents=False)
    assert "backup" not in "".join(os.listdir(tmp_path))


async def test_a_store_of_an_earlier_version_is_backed_up_and_migrated_after_the_restore(
    settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    source, target = str(settings.database_url), str(elsewhere.database_url)
    await migrated(source, "0005")
    async with migrating(source) as connection:
        await connection.run_sync(filled)
        before = await connection.run_sync(all_rows)
    copy = await taken(settings, tmp_path / "copy")
    assert copy.revision == "0005"
    async with opened_keys(settings) as keys:
        people = await keys.of(sealed_in(tmp_path / "copy"))
    await restore_log(target, copy, tmp_path / "copy", people, overwrite=False)
    async with migrating(target) as connection:
        after = await connection.run_sync(all_rows)
    assert before.pop("log_head") != after.pop("log_head"), "the restored store has an id of its own"
    assert before == after
    await migrated(target, "head")


def all_rows(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables in the form that both databases share."""
    return {
        name: [tuple(row) for rows in stored_rows(connection, name, columns) for row in rows]
        for name, columns in layout(connection).items()
    }


async def test_every_column_has_the_same_portable_kind_in_both_databases(
    tmp_path: Path, postgres_url: str
) -> None:
    found = []
    for url in (f"sqlite+aiosqlite:///{tmp_path}/write.db", postgres_url):
        await migrated(url, "head")
        async with migrating(url) as connection:
            found.append(await connection.run_sync(layout))
    assert found[0] == found[1]


async def test_all_functions_of_the_migrations_are_known_to_a_restore(postgres_url: str) -> None:
    await migrated(postgres_url, "head")
    async with migrating(postgres_url) as connection:
        assert await _functions(connection) == set(FUNCTIONS)


async def _functions(connection: AsyncConnection) -> set[str]:
    found = await connection.execute(
        text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    )
    return set(found.scalars())
