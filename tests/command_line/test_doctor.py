"""The doctor says what is wrong with a service's settings and stores, what to do, and changes nothing."""

import asyncio
import json
import os
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from sqlalchemy import text

from app.command_line import examinations
from app.command_line.diagnoses import Diagnosis, Verdict
from app.command_line.examinations import examined
from app.config import Settings
from app.cqrs.viewers import OPEN
from app.domain.customers.commands import RegisterCustomer
from app.halves.commanding import open_write_side
from app.read_models.product_listing import product_listing
from app.stores.sql.engines.opening import open_database
from tests.inprocess import serving
from tests.schema.shop import Shop
from tests.service import running

pytestmark = pytest.mark.campaign


async def of(settings: Settings) -> list[Diagnosis]:
    return [each async for each in examined(settings)]


def about(subject: str, found: list[Diagnosis]) -> list[Diagnosis]:
    return [each for each in found if each.subject == subject]


async def command(*arguments: str, **environment: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "doctor", *arguments),
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **environment},
        stdout=PIPE,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.fixture
def settings(tmp_path: Path, mongo_url: str, database_url: str) -> Settings:
    return Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, database_url=database_url
    )


def but(settings: Settings, **changes: object) -> Settings:
    """Return the settings with some others: a copy would keep what was derived from the former ones."""
    return Settings(**{**settings.model_dump(exclude_unset=True), **changes})


async def shop_with_a_product(settings: Settings) -> None:
    async with serving(settings) as service:
        await Shop(service.client).product()
        head = await service.circle.log.head()
        for progress in service.circle.progress.values():
            await progress.wait_for(head, 20)


async def test_before_the_first_start_all_is_well_and_nothing_is_created(tmp_path: Path) -> None:
    code, said = await command("--data-dir", str(tmp_path / "data"))
    assert code == 0
    assert "`serve` creates it" in said
    assert not os.listdir(tmp_path)


async def test_beside_a_service_on_its_own_stores_all_is_well(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.ready()
        code, said = await command("--json", "--data-dir", str(tmp_path))
        found = json.loads(said)
        assert {each["verdict"] for each in found} == {"ok"}, found
        [listing] = [each for each in found if each["subject"] == "product_listing"]
        assert ", 0 events behind the log" in listing["found"]
        assert code == 0


async def test_a_service_on_stores_of_its_own_choice_is_well(settings: Settings) -> None:
    await shop_with_a_product(settings)
    found = await of(settings)
    assert {each.verdict for each in found} == {Verdict.OK}, found


async def test_an_index_that_is_missing_and_one_that_nobody_declared_are_named(settings: Settings) -> None:
    await shop_with_a_product(settings)
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(settings.mongodb_url)
    [collection, *_] = product_listing.collections
    documents = client[settings.mongodb_database][collection.stored_as]
    await documents.drop_index([("position", 1), ("_id", 1)])
    await documents.create_index([("onHand", -1)])
    client.close()
    missing, surplus, position = about("product_listing", await of(settings))
    assert missing.verdict is surplus.verdict is Verdict.WARNING
    assert missing.found == f"It lacks the indexes {collection.name} (position, _id)."
    assert surplus.found == f"It has indexes that no query uses: {collection.name} (-onHand)."
    assert position.verdict is Verdict.OK


async def test_documents_whose_log_was_lost_are_a_problem(settings: Settings, tmp_path: Path) -> None:
    await shop_with_a_product(settings)
    emptied = but(settings, database_url=f"sqlite+aiosqlite:///{tmp_path}/other.db")
    async with open_write_side(emptied):
        pass
    [listing] = about("product_listing", await of(emptied))
    assert listing.verdict is Verdict.PROBLEM
    assert "but the log ends at 0" in listing.found
    assert "Restore the log" in listing.advice


async def test_documents_of_another_log_are_a_problem(settings: Settings, tmp_path: Path) -> None:
    await shop_with_a_product(settings)
    other = {
        "database_url": f"sqlite+aiosqlite:///{tmp_path}/other.db",
        "mongodb_database": f"{tmp_path.name}-other",
    }
    await shop_with_a_product(but(settings, **other))
    mixed = but(settings, database_url=other["database_url"])
    [listing] = about("product_listing", await of(mixed))
    assert listing.verdict is Verdict.PROBLEM
    assert "are not of this log" in listing.found


async def test_migrations_that_are_missing_are_counted_and_not_run(
    tmp_path: Path, mongo_url: str, new_database_url: str
) -> None:
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
        database_url=new_database_url,
    )
    async with open_database(settings.write_store, migrates=False) as engines:
        async with engines.writing.begin() as connection:
            await connection.execute(text("CREATE TABLE mine (id INTEGER)"))
        [store] = about("write store", await of(settings))
        assert store.verdict is Verdict.WARNING
        assert "lacks" in store.found
        assert "migrations" in store.found
        async with engines.reading.connect() as connection:
            with pytest.raises(Exception, match="events"):
                await connection.execute(text("SELECT * FROM events"))


async def test_stores_that_do_not_answer_are_problems_with_advice(settings: Settings) -> None:
    nowhere = {
        "database_url": "postgresql+asyncpg://nobody@127.0.0.1:1/none",
        "mongodb_url": "mongodb://127.0.0.1:1/?replicaSet=rs0",
    }
    found = await of(but(settings, **nowhere))
    for subject in ("write store", "read store"):
        [store] = about(subject, found)
        assert store.verdict is Verdict.PROBLEM
        assert store.advice


async def test_a_cache_beside_other_processes_and_an_open_service_are_warned_of(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url="mongodb://127.0.0.1:1/?replicaSet=rs0",
        read_cache_mb=8,
        auth="none",
        host="0.0.0.0",
    )
    everyone, cache = about("settings", await of(settings))
    assert (everyone.verdict, cache.verdict) == (Verdict.WARNING, Verdict.WARNING)
    assert "Everyone" in everyone.found
    assert "READ_CACHE_MB" in cache.found


async def test_what_serve_would_refuse_is_a_problem(tmp_path: Path) -> None:
    refused = Settings(
        data_dir=tmp_path,
        host="0.0.0.0",
        documents="trusted",
        documents_manifest=tmp_path / "nowhere.json",
        ssl_certfile=tmp_path / "nowhere.pem",
    )
    everyone, certificate, manifest = about("settings", await of(refused))
    assert {each.verdict for each in (everyone, certificate, manifest)} == {Verdict.PROBLEM}
    assert everyone.found.startswith("Refusing to listen on 0.0.0.0:8000")
    assert "AUTH_ISSUER" in everyone.advice
    assert "nowhere.pem: this file can't be read" in certificate.found
    assert "nowhere.json: this file can't be read" in manifest.found
    keyless = Settings(data_dir=tmp_path, auth_public_key="/nowhere/key.pem", auth_audience="a")
    [key] = about("settings", await of(keyless))
    assert (key.verdict, "/nowhere/key.pem: this file can't be read" in key.found) == (Verdict.PROBLEM, True)


async def test_documents_whose_log_is_gone_are_a_problem(settings: Settings, tmp_path: Path) -> None:
    await shop_with_a_product(settings)
    gone = but(settings, database_url=None, data_dir=tmp_path / "elsewhere")
    [listing] = about("product_listing", await of(gone))
    assert (listing.verdict, listing.found) == (
        Verdict.PROBLEM,
        "Its documents are at position 1, but there is no log.",
    )


async def test_an_event_that_waits_for_long_is_warned_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop_with_a_product(settings)
    async with open_write_side(settings) as write_side:
        await write_side.commands.execute(RegisterCustomer(name="Ada"), viewer=OPEN)
    [listing] = about("product_listing", await of(settings))
    assert (listing.verdict, "1 events behind the log" in listing.found) == (Verdict.OK, True)
    monkeypatch.setattr(examinations, "LONGEST_WAIT", 0.0)
    [listing] = about("product_listing", await of(settings))
    assert listing.verdict is Verdict.WARNING
    assert "1 events behind the log, and the next event has waited for" in listing.found
    assert "Start the service" in listing.advice
