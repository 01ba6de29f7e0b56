"""Large rebuilds have a process of their own, which can end at any moment without harm."""

import asyncio
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL, SIGSTOP
from typing import Any

import httpx
import pytest

from app.config import Settings
from tests.builders import builder_of, builders, gone
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.service import running

PATIENCE = 60.0
REBUILD = """mutation { rebuildReadModel(input: {readModel: CUSTOMER_OVERVIEW}) {
    rebuild { state } errors { message } } }"""
ABORT = "mutation { abortRebuild(input: {readModel: CUSTOMER_OVERVIEW}) { rebuild { state } } }"
PROGRESS = "subscription { rebuildProgress { state position head } }"
CUSTOMERS = "{ customers { nodes { name } } }"


@pytest.fixture
def settings(mongo_url: str, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, build_apart_events=1
    )


async def becomes(service: Service, state: str) -> dict[str, Any]:
    """Follows the rebuild until it is in this state, and returns what is told of it then."""
    async with asyncio.timeout(PATIENCE), service.client.subscribe(PROGRESS) as reports:
        while True:
            for each in await reports.next():
                if each["state"] == state:
                    found: dict[str, Any] = each
                    return found


async def begin(service: Service, *names: str) -> None:
    """Registers customers, and begins to rebuild the documents that show them."""
    for name in names:
        await Shop(service.client).customer(name=name)
    begun = (await service.client.send(REBUILD)).data["rebuildReadModel"]
    assert begun == {"rebuild": {"state": "BUILDING"}, "errors": []}


async def names(service: Service) -> set[str]:
    return {node["name"] for node in (await service.client.send(CUSTOMERS)).data["customers"]["nodes"]}


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "app.halves.building_apart"]


async def test_a_process_builds_the_documents_and_knows_the_keys_of_personal_data(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.halves.building_apart")
    async with serving(settings) as service:
        await begin(service, "Ada", "Grace")
        told = await becomes(service, "SWITCHED")
        assert told["position"] == told["head"] == "2"
        assert await names(service) == {"Ada", "Grace"}
        serving_now = service.circle.rebuilds.serving["customer_overview"]
        assert serving_now.model.generation.number == 2
        await Shop(service.client).customer(name="Edsger")
        assert await names(service) == {"Ada", "Grace", "Edsger"}
    began, ended = said(caplog)
    assert re.fullmatch(r"A process builds documents: generation=\S+ pid=\d+", began)
    assert ended.startswith("A process has built documents: ")
    assert ended.endswith(" position=2"), "there was nothing left to apply"


async def test_the_service_goes_on_by_itself_if_the_process_is_killed(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(settings) as service, asyncio.timeout(PATIENCE):
        await begin(service, "Ada")
        os.kill(await builder_of(os.getpid()), SIGKILL)
        await becomes(service, "SWITCHED")
        assert await names(service) == {"Ada"}
    [warning] = said(caplog)
    assert warning.startswith("The process that built documents has ended early, and this one goes on")


async def test_the_process_ends_when_the_rebuild_is_aborted(settings: Settings) -> None:
    async with serving(settings) as service, asyncio.timeout(PATIENCE):
        await begin(service, "Ada")
        process = await builder_of(os.getpid())
        assert (await service.client.send(ABORT)).data["abortRebuild"] == {"rebuild": {"state": "ABORTED"}}
        await gone(process)
        assert await names(service) == {"Ada"}


async def test_the_process_ends_when_the_service_stops(settings: Settings) -> None:
    async with asyncio.timeout(PATIENCE):
        async with serving(settings) as service:
            await begin(service, "Ada")
            await builder_of(os.getpid())
        assert builders(os.getpid()) == []


async def test_a_small_rebuild_needs_no_process(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.halves.building_apart")
    async with serving(settings.model_copy(update={"build_apart_events": 3})) as service:
        await begin(service, "Ada", "Grace")
        await becomes(service, "SWITCHED")
    assert said(caplog) == []


def test_the_command_is_for_the_service_and_says_so_to_people() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "app", "build"], input="hello\n", capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert told.stderr == "This command is for the service. Call `projections rebuild NAME` instead.\n"


@pytest.mark.campaign
async def test_the_process_ends_when_the_service_is_killed(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(PATIENCE),
        running(tmp_path, "--no-demo", BUILD_APART_EVENTS="1") as service,
        httpx.AsyncClient(timeout=PATIENCE) as http,
    ):
        client = Client(service.url, http)
        await Shop(client).customer(name="Ada")
        await client.send(REBUILD)
        process = await builder_of(service.process.pid)
        os.kill(process, SIGSTOP)  # It can't notice that its input ends, as while it waits for a store.
        service.process.kill()
        await service.process.wait()
        await gone(process)
