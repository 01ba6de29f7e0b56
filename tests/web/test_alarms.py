"""Each alarm fires when its trouble is there, and not before."""

import asyncio
import operator
import os
import re
import shutil
import signal
from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.config import Settings
from app.cqrs.documents.read_model import Change, Document
from app.cqrs.freshness.progress import ReadModelBehind
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.events import RecordedEvent
from app.cqrs.rebuilding.records import RebuildState
from app.cqrs.unavailable import WriteStoreUnavailable
from app.read_models.customer_overview import customer_overview
from app.web import metrics
from tests.inprocess import Service, serving
from tests.schema.shop import Shop
from tests.web.metrics import Scraped, scrape

ALARMS = yaml.safe_load((Path(metrics.__file__).parent / "alarms.yml").read_text())["groups"][0]["rules"]

COMPARED = re.compile(
    r'(?P<name>\w+)(?:\{(?P<label>\w+)="(?P<value>\w+)"\})? (?P<than>[<>]) (?P<bound>[\d.]+)'
)
INCREASED = re.compile(r"increase\((?P<name>\w+)\[10m\]\) > 0")
THAN: dict[str, Callable[[float, float], bool]] = {"<": operator.lt, ">": operator.gt}

Usage = namedtuple("Usage", "total used free")


def fires(alarm: dict[str, Any], now: Scraped, before: Scraped) -> bool:
    """Whether the condition of an alarm holds, apart from its duration."""
    if increased := INCREASED.fullmatch(alarm["expr"]):
        return now.value(increased["name"]) > before.value(increased["name"])
    compared = COMPARED.fullmatch(alarm["expr"])
    assert compared, f"this test can't read {alarm['expr']}"
    labels = {compared["label"]: compared["value"]} if compared["label"] else {}
    values = now.values(compared["name"], **labels)
    assert values, f"{compared['name']} is not there"
    return any(THAN[compared["than"]](value, float(compared["bound"])) for value in values)


def firing(now: Scraped, before: Scraped) -> Sequence[str]:
    return [alarm["alert"] for alarm in ALARMS if fires(alarm, now, before)]


@pytest.fixture
async def service(mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, read_patience=20
    )
    async with serving(settings) as running:
        yield running


@pytest.fixture
async def quiet(service: Service) -> Scraped:
    """The metrics while all is well, which raise no alarm."""
    await Shop(service.client).customer(name="Ada")
    for progress in service.circle.progress.values():
        await progress.wait_for(1, 60)
    scraped = await scrape(service)
    assert firing(scraped, scraped) == []
    return scraped


@pytest.fixture
def eleven_seconds_old(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has each command record its event as if that had been eleven seconds ago."""
    past = timedelta(seconds=11)
    monkeypatch.setattr(service.circle.commands, "_clock", lambda: datetime.now(UTC) - past)


async def test_a_read_model_that_has_failed_lags_too(
    service: Service, quiet: Scraped, eleven_seconds_old: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changes(recorded: RecordedEvent) -> list[Change]:
        raise RuntimeError("no ink")

    monkeypatch.setattr(customer_overview, "changes", changes)
    await Shop(service.client).customer(name="Zoe")
    with pytest.raises(ReadModelBehind, match="RuntimeError"):
        await service.circle.progress["customer_overview"].wait_for(2, 60)
    assert firing(await scrape(service), quiet) == ["ReadModelLags", "ReadModelFailed"]


async def test_a_rebuild_that_waits_for_an_operator_is_noticed(
    service: Service, quiet: Scraped, mongo: AsyncIOMotorDatabase[Document], tmp_path: Path
) -> None:
    await mongo.client[tmp_path.name][customer_overview.key].delete_many({})
    assert await service.circle.rebuilds.begin("customer_overview", verify=True) is None
    async with aclosing(service.circle.rebuilds.follow()) as reports:
        async for [told] in reports:
            if told.state is RebuildState.DIFFERENT:
                break
    assert firing(await scrape(service), quiet) == ["RebuildStopped"]
    assert await service.circle.rebuilds.abort("customer_overview") is None
    assert firing(await scrape(service), quiet) == []


async def test_events_that_nobody_publishes_are_noticed_though_the_log_grows(
    service: Service, quiet: Scraped, eleven_seconds_old: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed = asyncio.Event()
    publish = AsyncioEventBus.publish

    async def stuck(bus: AsyncioEventBus, batch: Any) -> None:
        await freed.wait()
        await publish(bus, batch)

    monkeypatch.setattr(AsyncioEventBus, "publish", stuck)
    await Shop(service.client).customer(name="Zoe")
    scraped = await scrape(service)
    assert scraped.value("diptych_log_position") > scraped.value("diptych_log_published_position")
    assert "EventsUnpublished" in firing(scraped, quiet)
    freed.set()
    await service.circle.progress["customer_overview"].wait_for(2, 60)
    assert firing(await scrape(service), quiet) == []


async def test_a_write_store_that_does_not_answer_is_noticed(
    service: Service, quiet: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent() -> int:
        raise WriteStoreUnavailable("The write store does not answer.")

    monkeypatch.setattr(service.circle.log, "head", silent)
    scraped = await scrape(service)
    assert firing(scraped, quiet) == ["WriteStoreDown"]
    assert "diptych_log_position" not in scraped.names


async def test_a_disk_that_is_nearly_full_is_noticed(
    service: Service, quiet: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(1000, 901, 99))
    assert firing(await scrape(service), quiet) == ["DiskNearlyFull"]


@pytest.mark.campaign
async def test_an_embedded_mongod_that_ended_is_noticed(tmp_path: Path) -> None:
    async with serving(Settings(data_dir=tmp_path, read_patience=20)) as service:
        before = await scrape(service)
        await Shop(service.client).customer(name="Ada")
        assert firing(before, before) == []
        os.kill(int(service.circle.stores[1].rpartition(" ")[2]), signal.SIGKILL)
        while "MongodRestarted" not in firing(await scrape(service), before):
            pass
        # What was asked for is there again afterwards.
        assert (await service.client.send("{ customers { totalCount } }")).data["customers"][
            "totalCount"
        ] == 1


def test_each_alarm_says_what_to_do() -> None:
    for alarm in ALARMS:
        assert alarm["labels"]["severity"] in ("warning", "critical")
        assert alarm["annotations"]["summary"].endswith(".")
        assert alarm["annotations"]["action"].endswith(".")
