"""An operator rebuilds a read model by the command line, and is told what came of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase
from typer.testing import CliRunner, Result

from app.__main__ import command_line
from app.command_line.diagnoses import Verdict
from app.command_line.examinations import examined
from app.config import Settings
from app.cqrs.documents.read_model import Document
from app.read_models.activity import activity
from tests.inprocess import Service, serving
from tests.schema.shop import Shop


@pytest.fixture
def settings(mongo_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name)


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with serving(settings) as running:
        await Shop(running.client).product()
        await running.client.send("{ activity { nodes { id } } }")
        yield running


async def projections(service: Service, *arguments: str) -> Result:
    url = ("--url", f"{service.client.url}/graphql")
    return await asyncio.to_thread(CliRunner().invoke, command_line, ["projections", *arguments, *url])


async def test_the_url_of_the_service_will_do(service: Service) -> None:
    for url in (service.client.url, f"{service.client.url}/"):
        said = await asyncio.to_thread(CliRunner().invoke, command_line, ["projections", "--url", url])
        assert (said.exit_code, "LIVE" in said.output) == (0, True), said.output


async def test_a_rebuild_is_waited_for_shown_and_rolled_back(service: Service) -> None:
    nothing = await projections(service, "status")
    assert "rebuild of" not in nothing.output
    done = await projections(service, "rebuild", "Activity", "--keep", "90m", "--verify")
    assert done.exit_code == 0, done.output
    assert done.output.startswith(
        "The new documents of activity serve, at position 1. `projections rollback "
    )
    assert service.circle.rebuilds.serving["activity"].model.generation.number == 2
    shown = (await projections(service, "status")).output
    assert "rebuild of" in shown
    assert "SWITCHED" in shown
    back = await projections(service, "rollback", "activity")
    assert back.output == "The documents of activity from before the rebuild serve again.\n"
    assert service.circle.rebuilds.serving["activity"].model.generation.number == 1
    again = await projections(service, "rollback", "activity")
    assert again.exit_code == 1
    assert "There are no former documents of activity to return to." in again.stderr
    at_once = await projections(service, "rebuild", "activity", "--keep", "0", "--no-wait")
    assert at_once.output == "The rebuild of activity has begun. `projections status` shows the progress.\n"


async def test_differences_are_said_and_the_rebuild_is_aborted_or_accepted(
    service: Service, settings: Settings, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    await mongo.client[settings.mongodb_database][activity.key].delete_many({})
    compared = await projections(service, "rebuild", "activity", "--verify")
    assert compared.exit_code == 1
    said = compared.stderr.replace("\n", " ")
    assert "The documents of before still serve. 1 of 1 documents differ: activity/" in said
    assert "is only in the new documents" in said
    assert "projections rebuild activity --accept-differences" in said
    [found] = [each async for each in examined(settings) if "rebuild" in each.found]
    assert (found.subject, found.verdict) == ("activity", Verdict.WARNING)
    assert "Its rebuild is DIFFERENT at position 1: 1 of 1 documents differ" in found.found
    ended = await projections(service, "abort", "activity")
    assert ended.output == "The rebuild of activity was ended. Its documents are as before.\n"
    assert (await projections(service, "rebuild", "activity", "--verify")).exit_code == 1
    accepted = await projections(service, "rebuild", "activity", "--accept-differences")
    assert accepted.exit_code == 0
    assert [each async for each in examined(settings) if "rebuild" in each.found] == []


async def test_bad_arguments_are_said_with_what_to_do(service: Service) -> None:
    unknown = await projections(service, "rebuild", "orders")
    assert unknown.exit_code == 2
    assert "There is no read model orders. Choose from: activity, customer_overview, " in unknown.stderr
    for keep in ("soon", "1w", "-1", "1h30m"):
        refused = await projections(service, "rebuild", "activity", "--keep", keep)
        assert refused.exit_code == 2
        assert f"{keep} is no time" in refused.stderr
    too_long = await projections(service, "rebuild", "activity", "--keep", "8d")
    assert too_long.exit_code == 1
    assert "Choose 0 to 604,800." in too_long.stderr
    assert "No rebuild of activity is under way." in (await projections(service, "abort", "activity")).stderr


async def test_chosen_documents_are_made_anew_at_once_and_the_differences_said(
    service: Service, settings: Settings, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    stored = mongo.client[settings.mongodb_database][activity.key]
    [entry] = await stored.find().to_list()
    await stored.update_one({"_id": entry["_id"]}, {"$set": {"summary": "Nothing happened"}})
    said = await projections(service, "rebuild", "activity", "--document", f"activity/{entry['_id']}")
    assert said.exit_code == 0, said.output
    assert said.output.split("\n")[:2] == [
        "1 document of activity made anew, of which 1 were different:",
        f"  activity/{entry['_id']} differs in summary",
    ]
    assert await stored.find().to_list() == [entry]
    for choice in (("--stream", entry["stream"]), ("--from", "1")):
        said = await projections(service, "rebuild", "activity", *choice)
        assert said.output == "1 document of activity: nothing was different, and nothing was changed.\n"
    refused = await projections(service, "rebuild", "activity", "--stream", "nobody")
    assert refused.exit_code == 1
    assert "No event of the stream nobody concerns a document of activity." in refused.stderr.replace(
        "\n", " "
    )
    both = await projections(service, "rebuild", "activity", "--from", "1", "--verify")
    assert both.exit_code == 2
    kept = await projections(service, "rebuild", "activity", "--from", "1", "--keep", "2h")
    assert kept.exit_code == 2
    assert "--keep, --verify and --accept-differences are for whole read models." in kept.stderr
