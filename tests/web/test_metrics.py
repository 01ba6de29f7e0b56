"""Operators see commands, lag, reads and subscribers in Prometheus."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from app.config import Settings
from app.cqrs.rebuilding.records import RebuildState
from app.main import create_app
from app.web import metrics
from tests.inprocess import Service, serving
from tests.schema.shop import Shop
from tests.web.metrics import scrape

README = Path(metrics.__file__).parent / "README.md"


@pytest.fixture
async def service(mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, read_cache_mb=8
    )
    async with serving(settings) as running:
        yield running


async def test_a_command_counts_with_its_outcome_and_its_time(service: Service) -> None:
    shop = Shop(service.client)
    ada = await shop.customer(name="Ada")
    await service.client.mutate("updateCustomer", "", customerId=ada, name="Eva", expectedVersion=7)
    scraped = await scrape(service)
    accepted = {"command": "RegisterCustomer", "outcome": "ACCEPTED"}
    assert scraped.value("diptych_command_seconds_count", **accepted) == 1
    assert 0 < scraped.value("diptych_command_seconds_sum", **accepted) < 60
    refused = {"command": "UpdateCustomer", "outcome": "VERSION_CONFLICT"}
    assert scraped.value("diptych_command_seconds_count", **refused) == 1


async def test_the_log_and_each_read_model_say_how_far_they_have_come(service: Service) -> None:
    await Shop(service.client).customer(name="Ada")
    await service.client.send("{ customers { totalCount } }")
    scraped = await scrape(service)
    assert scraped.value("diptych_log_position") == scraped.value("diptych_log_published_position") == 1
    assert scraped.value("diptych_log_unpublished_seconds") == 0
    model = {"read_model": "customer_overview"}
    assert scraped.value("diptych_read_model_position", **model) == 1
    assert scraped.value("diptych_read_model_events_behind", **model) == 0
    assert scraped.value("diptych_read_model_state", state="LIVE", **model) == 1
    assert scraped.value("diptych_read_model_state", state="FAILED", **model) == 0
    assert scraped.value("diptych_projector_transaction_seconds_count", **model) == 1


async def test_a_switch_to_rebuilt_documents_says_how_long_it_took(service: Service) -> None:
    await Shop(service.client).customer(name="Ada")
    model = {"read_model": "customer_overview"}
    assert (await scrape(service)).value("diptych_rebuild_switch_seconds", **model) == 0
    assert await service.circle.rebuilds.begin("customer_overview", keep=timedelta()) is None
    async with aclosing(service.circle.rebuilds.follow()) as reports:
        async for [told] in reports:
            if told.state is RebuildState.FINISHED:
                break
    assert 0 < (await scrape(service)).value("diptych_rebuild_switch_seconds", **model) < 60


async def test_a_read_counts_by_the_way_in_which_it_was_answered(service: Service) -> None:
    await Shop(service.client).customer(name="Ada")
    query = """query Both { ...Rest a: customers { totalCount } }
        fragment Rest on Query { products { totalCount } }"""
    for _ in range(4):
        await service.client.send(query)
    scraped = await scrape(service)
    for field in ("customers", "products"):
        ways = {
            way: scraped.value("diptych_reads_total", field=field, way=way)
            for way in ("ordinary", "compiled", "kept")
        }
        assert ways == {"ordinary": 1, "compiled": 1, "kept": 2}, field
    assert scraped.value("diptych_cache_answers") == 1
    assert 0 < scraped.value("diptych_cache_bytes") < scraped.value("diptych_cache_capacity_bytes") == 8e6


async def test_a_query_over_a_socket_and_a_refused_one_count_as_what_they_are(service: Service) -> None:
    async with service.client.subscribe("{ customers { totalCount } }") as stream:
        await stream.message()
    await service.client.send("{ products { totalCount wrong } }")
    scraped = await scrape(service)
    assert scraped.value("diptych_reads_total", field="customers", way="ordinary") == 1
    assert scraped.values("diptych_reads_total", field="products") == []


async def test_sockets_and_subscribers_count_while_they_are_there(service: Service) -> None:
    subscription = "subscription { readModelUpdates { __typename } }"
    async with service.client.subscribe(subscription) as stream:
        await stream.message()
        scraped = await scrape(service)
        assert scraped.value("diptych_sockets") == scraped.value("diptych_subscribers") == 1
        assert scraped.value("diptych_items_total") >= 1
        await stream.socket.close()
        while (await scrape(service)).value("diptych_sockets"):
            pass
    assert (await scrape(service)).value("diptych_subscribers") == 0


async def test_every_metric_is_in_the_readme_and_no_other(service: Service) -> None:
    await Shop(service.client).customer(name="Ada")
    await service.client.send("{ customers { totalCount } }")
    named = set[str]()
    for row in re.findall(r"^\| (`diptych_.*?) \|", README.read_text(), re.MULTILINE):
        first, *others = re.findall(r"`(\S+?)`", row)
        named |= {first, *(each.replace("…", first.rpartition("_")[0]) for each in others)}
    scraped = {
        re.sub(r"_(bucket|sum|count|created)$", "", name)
        for name in (await scrape(service)).names
        if name.startswith("diptych_")
    }
    assert scraped == named


async def test_openmetrics_is_spoken_to_those_who_ask_for_it(service: Service) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    response = await service.client.http.get(f"{service.client.url}/metrics", headers=accept)
    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert response.text.endswith("# EOF\n")


async def test_only_this_machine_and_named_networks_may_read_the_metrics(
    mongo_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
        metrics_clients="192.0.2.0/24, 2001:db8::/32",
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        assert [
            await status(app, client)
            for client in ("127.0.0.1", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7", "198.51.100.7", "odd")
        ] == [200, 200, 200, 200, 403, 403]
        assert await status(app, "192.0.2.7", {"X-Forwarded-For": "198.51.100.7"}) == 403


async def status(app: Starlette, address: str, headers: dict[str, str] | None = None) -> int:
    transport = httpx.ASGITransport(app, client=(address, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        return (await http.get("/metrics", headers=headers)).status_code
