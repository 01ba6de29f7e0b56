"""A client that lost the answer asks what has become of its command."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from app.cqrs.commands.outcomes import Receipt
from app.cqrs.documents.read_model import Change
from app.cqrs.log.events import RecordedEvent
from app.cqrs.viewers import Viewer
from app.domain.customers.commands import RegisterCustomer
from app.graphql.execution.context import Context
from app.graphql.execution.operation import Operation
from app.graphql.streaming.executing import Operations
from app.graphql.streaming.streams import Streams
from app.read_models.customer_overview import customer_overview
from schema.root import schema
from tests.inprocess import Service
from tests.schema.client import Client, Stream
from tests.viewers import BEA, NOBODY, OPAL

STATUS = """($id: UUID!) { commandStatus(commandId: $id) {
    state projectedIn pendingIn failedIn receipt { commandId token events { type } } } }"""
ALL = ["PRODUCT_LISTING", "ORDER_DETAILS", "CUSTOMER_OVERVIEW", "ORDER_LIST", "SALES_BY_DAY", "ACTIVITY"]
UNKNOWN: dict[str, object] = {
    "state": "UNKNOWN",
    "projectedIn": [],
    "pendingIn": [],
    "failedIn": [],
    "receipt": None,
}


async def status(client: Client, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.send(f"query {STATUS}", {"id": id})).data["commandStatus"]
    return found


async def register(client: Client, id: str, name: str = "Ada") -> dict[str, Any]:
    return await client.mutate("registerCustomer", "", commandId=id, name=name)


async def until(stream: Stream, state: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while (item := await stream.next())["state"] != state:
            pass
    found: dict[str, Any] = item
    return found


async def test_a_command_that_was_never_accepted_is_unknown(client: Client) -> None:
    id = str(uuid4())
    assert await status(client, id) == UNKNOWN
    assert (await register(client, id, name=""))["errors"] != []
    assert await status(client, id) == UNKNOWN, "a refused command leaves nothing"


async def test_a_command_is_projected_when_all_read_models_show_it(client: Client) -> None:
    id = str(uuid4())
    receipt = (await register(client, id))["receipt"]
    async with client.subscribe(f"subscription {STATUS}", {"id": id}) as stream:
        shown = await until(stream, "PROJECTED")
        assert sorted(shown["projectedIn"]) == sorted(ALL)
        assert (shown["pendingIn"], shown["failedIn"]) == ([], [])
        assert (shown["receipt"]["commandId"], shown["receipt"]["token"]) == (id, receipt["token"])
        assert (await stream.message())["type"] == "complete"
    assert await status(client, id) == shown


async def test_who_subscribes_before_the_command_comes_is_told_when_it_does(client: Client) -> None:
    id = str(uuid4())
    async with client.subscribe(f"subscription {STATUS}", {"id": id}) as stream:
        assert await stream.next() == UNKNOWN
        await register(client, id)
        shown = await until(stream, "PROJECTED")
        assert [event["type"] for event in shown["receipt"]["events"]] == ["CustomerRegistered"]


async def test_a_read_model_that_stopped_before_the_command_is_named(
    impatient: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_recorded: RecordedEvent) -> list[Change]:
        raise OSError("no ink")

    id = str(uuid4())
    with monkeypatch.context() as ill:
        ill.setattr(customer_overview, "changes", fails)
        async with impatient.client.subscribe(f"subscription {STATUS}", {"id": id}) as stream:
            await register(impatient.client, id)
            while len((shown := await until(stream, "FAILED"))["projectedIn"]) < len(ALL) - 1:
                pass
            assert (shown["failedIn"], shown["pendingIn"]) == (["CUSTOMER_OVERVIEW"], [])
    retried = await impatient.client.send(
        "mutation { retryReadModel(input: {readModel: CUSTOMER_OVERVIEW}) { errors { message } } }"
    )
    assert retried.data["retryReadModel"]["errors"] == []
    async with impatient.client.subscribe(f"subscription {STATUS}", {"id": id}) as stream:
        await until(stream, "PROJECTED")


class Asking:
    """Operations of several viewers on one service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.streams = Streams(Operations(schema))

    async def first(self, operation: str, id: UUID, viewer: Viewer) -> Any:
        """The first result, of a query or of a subscription."""
        context = Context(self.service.circle, viewer)
        asked = Operation(query=f"{operation} {STATUS}", variables={"id": str(id)})
        async with aclosing(self.streams.open(asked, context)) as items:
            return orjson.loads((await anext(items)).body)["data"]["commandStatus"]


@pytest.mark.parametrize("operation", ["query", "subscription"])
async def test_only_its_actor_learns_of_a_command(service: Service, operation: str) -> None:
    """Neither another member of the staff nor an operator does: they look into the activity."""
    id, asking = uuid4(), Asking(service)
    registered = RegisterCustomer(name="Ada")
    accepted = await service.circle.commands.execute(registered, viewer=BEA, command_id=id)
    assert isinstance(accepted, Receipt)
    assert accepted.position
    for progress in service.circle.progress.values():
        await progress.wait_for(accepted.position, seconds=20)
    ben = replace(BEA, actor="ben")
    # All at once, because subscribers who come at once share an execution where they may.
    hers, *others = await asyncio.gather(
        *(asking.first(operation, id, viewer) for viewer in (BEA, ben, OPAL, NOBODY, BEA))
    )
    assert hers["receipt"]["commandId"] == str(id)
    assert others == [*[{**hers, **UNKNOWN}] * 3, hers]
    assert await asking.first(operation, id, ben) == UNKNOWN, "the text is compiled by now"
