"""`/health/ready` is 200 only where a command could be carried out, and shown."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from starlette.requests import Request

from app.config import Settings
from app.cqrs.circle import Circle
from app.stores.sql.engines.opening import open_database
from app.web import health
from app.web.health import Readiness
from tests.faults.small_disk import small_disk
from tests.inprocess import Service, serving
from tests.postgres import Postgres
from tests.service import running

PATIENCE = 60
ASKED = Request({"type": "http"})


@pytest.fixture
async def service(tmp_path: Path, mongo_url: str, database_url: str) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, database_url=database_url
    )
    async with serving(settings) as service:
        yield service


async def missing(url: str, http: httpx.AsyncClient) -> str:
    """What is missing, in words; empty where the service is ready."""
    answer = await http.get(f"{url}/health/ready")
    status = answer.json()
    assert answer.status_code == (503 if "missing" in status else 200)
    return "\n".join(status.get("missing", ()))


async def until(expected: str, url: str, http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE):
        while (said := await missing(url, http)) != expected and not (expected and expected in said):
            pass


def probed_by(circle: Circle, probe: Callable[[], Awaitable[None]]) -> Readiness:
    return Readiness(lambda: replace(circle, probes={"write store": probe}))


async def test_being_asked_leaves_nothing_behind(service: Service, database_url: str) -> None:
    await until("", service.client.url, service.client.http)
    async with open_database(database_url) as engines, engines.reading.connect() as connection:
        for table in ("events", "commands"):
            assert (await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0
        assert (await connection.execute(text("SELECT position FROM log_head"))).scalar_one() == 0


async def test_many_who_ask_write_once_in_a_second(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(health, "monotonic", lambda: now)
    writes = 0
    begun, all_asked = asyncio.Event(), asyncio.Event()

    async def probe() -> None:
        nonlocal writes
        writes += 1
        begun.set()
        await all_asked.wait()
        await service.circle.probes["write store"]()

    readiness = probed_by(service.circle, probe)
    asked = [asyncio.create_task(readiness.ready(ASKED)) for _ in range(50)]
    await begun.wait()
    all_asked.set()
    await asyncio.gather(*asked)
    await readiness.ready(ASKED)
    assert writes == 1
    now += health.VALIDITY
    await readiness.ready(ASKED)
    assert writes == 2


async def test_a_store_that_hangs_is_given_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    answer = await probed_by(service.circle, asyncio.Event().wait).ready(ASKED)  # type: ignore[arg-type]
    assert answer.status_code == 503
    assert "the write store does not answer within 0.05 s" in json.loads(bytes(answer.body))["missing"]


async def test_an_error_that_nobody_foresaw_is_no_500(service: Service) -> None:
    async def probe() -> None:
        raise ZeroDivisionError

    answer = await probed_by(service.circle, probe).ready(ASKED)
    assert answer.status_code == 503
    assert (
        "the write store could not be probed: ZeroDivisionError" in json.loads(bytes(answer.body))["missing"]
    )


async def test_a_server_that_takes_no_writes_any_more_is_noticed(
    postgres_server: Postgres, tmp_path: Path, mongo_url: str
) -> None:
    database_url = await postgres_server.database()
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, database_url=database_url
    )
    async with serving(settings) as service:
        url, http = service.client.url, service.client.http
        await until("", url, http)
        await postgres_server.set_default(database_url, default_transaction_read_only="on")
        await until("the write store takes no writes: The write store is read-only.", url, http)
        await postgres_server.set_default(database_url, default_transaction_read_only="off")
        await until("", url, http)


@pytest.mark.campaign
async def test_a_full_disk_is_noticed(tmp_path: Path) -> None:
    async with small_disk() as disk:
        store = f"sqlite+aiosqlite:///{disk.path}/write.db"
        async with (
            running(tmp_path, "--no-demo", DATABASE_URL=store) as service,
            httpx.AsyncClient(timeout=PATIENCE) as http,
        ):
            await until("", service.url, http)
            disk.fill(service.process.pid, leaving=0)
            await until("the write store takes no writes: ", service.url, http)
            disk.make_room(service.process.pid)
            await until("", service.url, http)
