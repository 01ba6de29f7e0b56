"""A read model that an event can't be applied to: who is told what, and how it goes on after the cure."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.config import Settings
from app.cqrs.documents.read_model import Change
from app.cqrs.freshness.progress import ReadModelBehind
from app.cqrs.log.events import RecordedEvent
from app.read_models.customer_overview import customer_overview
from tests.inprocess import Service, serving
from tests.schema.shop import Shop

PATIENCE = 20.0
RETRY = """mutation { retryReadModel(input: {readModel: CUSTOMER_OVERVIEW}) {
    freshness { readModel state position reason } errors { __typename code message path } } }"""


class NoInk(Exception):
    """What the read model dies of; it quotes the event."""


@pytest.fixture
async def service(mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, read_patience=PATIENCE
    )
    async with serving(settings) as running:
        yield running


@pytest.fixture
def ill(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Has the customers' read model choke on everyone called Ivy; undo it to cure it."""
    healthy = customer_overview.changes

    def changes(recorded: RecordedEvent) -> list[Change]:
        if "Ivy" in repr(recorded.event):
            raise NoInk(recorded.event)
        return healthy(recorded)

    monkeypatch.setattr(customer_overview, "changes", changes)
    return monkeypatch


async def chokes(service: Service) -> str:
    """Registers Ivy, and returns her id when the read model has failed."""
    before = await Shop(service.client).customer(name="Ada")
    assert (await service.client.send("{ customers { totalCount } }")).data["customers"]["totalCount"] == 1
    ivy = await Shop(service.client).customer(name="Ivy")
    await Shop(service.client).customer(name="Zoe")
    assert before != ivy
    with pytest.raises(ReadModelBehind, match="NoInk"):
        await service.circle.progress["customer_overview"].wait_for(3, PATIENCE)
    return ivy


async def test_a_failed_read_model_names_the_event_and_the_reason(
    service: Service, ill: pytest.MonkeyPatch
) -> None:
    await chokes(service)
    answer = await service.client.send(
        "{ freshness(readModels: [CUSTOMER_OVERVIEW]) { state position eventsBehind reason } }"
    )
    [fresh] = answer.data["freshness"]
    assert fresh == {
        "state": "FAILED",
        "position": "1",
        "eventsBehind": 2,
        "reason": "CustomerRegistered at position 2 can't be applied (NoInk)",
    }


async def test_who_needs_a_failed_read_model_is_told_at_once_and_no_other(
    service: Service, ill: pytest.MonkeyPatch
) -> None:
    await chokes(service)
    async with asyncio.timeout(PATIENCE / 2):
        refused = await service.client.send("{ customers { totalCount } }")
        assert refused.codes == ["READ_MODEL_BEHIND"]
        assert "NoInk" in refused.body["errors"][0]["message"]
        assert "Ivy" not in str(refused.body)

        product = await Shop(service.client).product()
        read = await service.client.send("{ products { nodes { id } } }")
        assert read.data["products"]["nodes"] == [{"id": product}]
        assert read.freshness["PRODUCT_LISTING"]["state"] == "LIVE"


async def test_a_retry_before_the_cure_fails_again_and_says_why(
    service: Service, ill: pytest.MonkeyPatch
) -> None:
    await chokes(service)
    payload = (await service.client.send(RETRY)).data["retryReadModel"]
    assert payload["freshness"]["state"] == "FAILED"
    [error] = payload["errors"]
    assert error == {
        "__typename": "ReadModelFailed",
        "code": "READ_MODEL_FAILED",
        "message": payload["freshness"]["reason"],
        "path": ["input", "readModel"],
    }


async def test_after_the_cure_a_retry_goes_on_and_skips_nothing(
    service: Service, ill: pytest.MonkeyPatch
) -> None:
    ivy = await chokes(service)
    ill.undo()
    payload = (await service.client.send(RETRY)).data["retryReadModel"]
    assert payload["errors"] == []
    assert payload["freshness"]["state"] != "FAILED"
    assert payload["freshness"]["reason"] is None
    read = await service.client.send(
        "query ($id: ID!) { customer(id: $id) { name } customers { totalCount } }", {"id": ivy}
    )
    assert read.data == {"customer": {"name": "Ivy"}, "customers": {"totalCount": 3}}


async def test_a_retry_leaves_alone_who_has_not_failed(service: Service) -> None:
    await Shop(service.client).customer()
    await service.client.send("{ customers { totalCount } }")
    payload = (await service.client.send(RETRY)).data["retryReadModel"]
    assert payload["errors"] == []
    assert payload["freshness"]["position"] == "1"


async def test_a_name_that_nobody_knows_is_not_valid(service: Service) -> None:
    answer = await service.client.send(RETRY.replace("CUSTOMER_OVERVIEW", "CUSTOMERS"))
    assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]


async def test_the_service_stays_ready_and_names_the_failed_read_model(
    service: Service, ill: pytest.MonkeyPatch
) -> None:
    await chokes(service)
    client = service.client
    answer = await client.http.get(f"{client.url}/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "failed": ["customer_overview"]})
    detail = (await client.http.get(f"{client.url}/health/detail")).json()
    [failed] = [each for each in detail["readModels"] if each["state"] == "FAILED"]
    assert failed["readModel"] == "CUSTOMER_OVERVIEW"
    assert "NoInk" in failed["reason"]
    assert "Ivy" not in failed["reason"], "the reason shows nothing of the event's contents"
    assert detail["stores"] == [
        {"name": "write store", "fault": None},
        {"name": "read store", "fault": None},
    ]


async def test_where_all_read_models_have_failed_nothing_is_ready(service: Service) -> None:
    for progress in service.circle.progress.values():
        await progress.until_live()
        progress.failed("for this test")
    answer = await service.client.http.get(f"{service.client.url}/health/ready")
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["all read models have failed"]


async def test_details_are_not_shown_to_clients_behind_a_proxy(service: Service) -> None:
    answer = await service.client.http.get(
        f"{service.client.url}/health/detail", headers={"X-Forwarded-For": "192.0.2.7"}
    )
    assert answer.status_code == 403
