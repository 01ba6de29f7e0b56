"""An event that a read model can't apply is skipped by an operator's decision, everywhere and for good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from app.__main__ import command_line
from app.config import Settings
from app.cqrs.documents.read_model import Change
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.log.events import RecordedEvent
from app.cqrs.projecting.skipping import EventSkipped
from app.read_models.customer_overview import customer_overview
from app.stores.sql.engines.opening import open_database
from app.stores.sql.operating.skips import DECISIONS
from tests.inprocess import Service, serving
from tests.schema.shop import Shop

PATIENCE = 20.0
SKIP = """mutation ($position: Position!, $reason: String!) {
    skipEvent(input: {readModel: CUSTOMER_OVERVIEW, position: $position, reason: $reason}) {
    freshness { state position eventsSkipped reason } errors { code message path } } }"""
SKIPPED = "{ skippedEvents { readModel position eventType reason actor } }"
NAMES = "{ customers(orderBy: {field: NAME, direction: ASC}) { nodes { name } } }"
WHY = "The import had sent it twice."


class NoInk(Exception):
    """What the read model dies of."""


@pytest.fixture
def settings(mongo_url: str, tmp_path: Path, database_url: str) -> Settings:
    return Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name[:40],
        database_url=database_url,
        read_patience=PATIENCE,
    )


@pytest.fixture
def ill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the customers' read model choke on everyone called Ivy; there is no cure."""
    healthy = customer_overview.changes

    def changes(recorded: RecordedEvent) -> list[Change]:
        if "Ivy" in repr(recorded.event):
            raise NoInk(recorded.event)
        return healthy(recorded)

    monkeypatch.setattr(customer_overview, "changes", changes)


async def until(service: Service, state: ReadModelState) -> None:
    progress = service.circle.progress["customer_overview"]
    reached = asyncio.Event()
    progress.watch(lambda each: reached.set() if each.state is state else None)
    async with asyncio.timeout(PATIENCE):
        while progress.state is not state:
            await reached.wait()
            reached.clear()


async def skip(service: Service, position: int, reason: str = WHY) -> dict[str, Any]:
    variables = {"position": str(position), "reason": reason}
    payload: dict[str, Any] = (await service.client.send(SKIP, variables, token=None)).data["skipEvent"]
    return payload


async def names_in(service: Service) -> list[str]:
    nodes = (await service.client.send(NAMES)).data["customers"]["nodes"]
    return [each["name"] for each in nodes]


@asynccontextmanager
async def failing(settings: Settings) -> AsyncIterator[Service]:
    """A service whose customers' read model stands at the second event."""
    async with serving(settings) as service:
        shop = Shop(service.client)
        for name in ("Ada", "Ivy", "Zoe"):
            await shop.customer(name=name)
        await until(service, ReadModelState.FAILED)
        yield service


async def test_a_decision_is_recorded_once_and_honoured_by_all_processes_and_rebuilds(
    settings: Settings, ill: None
) -> None:
    another = Settings(
        **{**settings.model_dump(exclude_unset=True), "mongodb_database": f"{settings.mongodb_database}_2"}
    )
    async with failing(settings) as service, serving(another) as second:
        await until(second, ReadModelState.FAILED)
        assert await skip(service, 2) == {
            "freshness": {"state": "LIVE", "position": "4", "eventsSkipped": 1, "reason": None},
            "errors": [],
        }
        assert await names_in(service) == ["Ada", "Zoe"]
        await until(second, ReadModelState.LIVE)
        assert await names_in(second) == ["Ada", "Zoe"]
        assert (await skip(service, 2))["errors"] == []
        assert await service.circle.log.head() == 4, "the same decision is recorded once"
        [listed] = (await service.client.send(SKIPPED)).data["skippedEvents"]
        assert listed == {
            "readModel": "CUSTOMER_OVERVIEW",
            "position": "2",
            "eventType": "CustomerRegistered",
            "reason": WHY,
            "actor": "anonymous",
        }
        [decision] = await service.circle.log.read(after=3, limit=1)
        assert isinstance(decision.event, EventSkipped)

    # A rebuild comes to the event long before it comes to the decision.
    fresh = Settings(
        **{**settings.model_dump(exclude_unset=True), "mongodb_database": f"{settings.mongodb_database}_3"}
    )
    async with serving(fresh) as service:
        await until(service, ReadModelState.LIVE)
        assert await names_in(service) == ["Ada", "Zoe"]
        [freshness] = (
            await service.client.send("{ freshness(readModels: [CUSTOMER_OVERVIEW]) { eventsSkipped } }")
        ).data["freshness"]
        assert freshness == {"eventsSkipped": 1}


async def test_a_rebuild_beside_the_documents_that_serve_honours_it_too(
    settings: Settings, ill: None
) -> None:
    async with failing(settings) as service:
        await skip(service, 2)
        served = service.circle.rebuilds.serving["customer_overview"].model
        started = await service.client.send(
            "mutation { rebuildReadModel(input: {readModel: CUSTOMER_OVERVIEW}) { errors { message } } }"
        )
        assert started.data["rebuildReadModel"]["errors"] == []
        progress = "subscription { rebuildProgress { readModel state } }"
        async with asyncio.timeout(PATIENCE), service.client.subscribe(progress) as reports:
            states = {""}
            while not states & {"SWITCHED", "FINISHED", "FAILED"}:
                states = {each["state"] for each in await reports.next()}
        assert "FAILED" not in states
        assert service.circle.rebuilds.serving["customer_overview"].model is not served
        assert await names_in(service) == ["Ada", "Zoe"]


async def test_only_the_event_at_which_a_read_model_has_failed_can_be_skipped(
    settings: Settings, ill: None
) -> None:
    async with failing(settings) as service:
        for position in (1, 3, 99):
            [error] = (await skip(service, position))["errors"]
            assert error["code"] == "NOT_STOPPED_THERE"
            assert f"has failed at position 2, and not at {position}" in error["message"]
        for reason in ("", " ", "x" * 501):
            [error] = (await skip(service, 2, reason))["errors"]
            assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "reason"])
        assert (await service.client.send(SKIPPED)).data["skippedEvents"] == []
        await skip(service, 2)
        [error] = (await skip(service, 3))["errors"]
        assert "has not failed at an event" in error["message"]
        assert await names_in(service) == ["Ada", "Zoe"]


async def test_the_command_line_skips_and_lists(settings: Settings, ill: None) -> None:
    async with failing(settings) as service:
        url = f"{service.client.url}/graphql"

        async def projections(*arguments: str) -> tuple[int, str]:
            runner = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"})
            command = ["projections", *arguments, "--url", url]
            result = await asyncio.to_thread(runner.invoke, command_line, command)
            return result.exit_code, result.output

        assert await projections("skipped") == (0, "No event was skipped.\n")
        code, said = await projections("skip", "customers", "--event", "2", "--reason", WHY)
        assert (code, "There is no read model customers. Choose from: " in said) == (2, True)
        code, said = await projections("skip", "customer-overview", "--event", "3", "--reason", WHY)
        assert (code, "and not at 3" in said) == (1, True)
        code, said = await projections("skip", "customer-overview", "--event", "2", "--reason", WHY)
        assert (code, said) == (0, "customer_overview skips the event at 2. It is LIVE at position 4.\n")
        code, said = await projections("skipped")
        assert code == 0
        for part in ("customer_overview", "CustomerRegistered", "anonymous", WHY):
            assert part in said
        [line] = [each for each in (await projections())[1].splitlines() if "customer_overview" in each]
        assert line.split()[:7] == ["customer_overview", "4", "4", "0", "0.0", "1", "LIVE"]


async def test_decisions_are_found_by_their_index(tmp_path: Path) -> None:
    async with open_database(tmp_path / "write.db") as engines, engines.reading.connect() as connection:
        plan = await connection.execute(text(f"EXPLAIN QUERY PLAN {DECISIONS}"))
        assert "ix_events_skipped" in " ".join(str(row) for row in plan)
