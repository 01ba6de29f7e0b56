"""What is a read of its own may fail on its own: its field is null, and everything else is answered."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType

from app.config import Settings
from app.cqrs.documents.read_model import Change
from app.cqrs.freshness.progress import ReadModelBehind
from app.cqrs.log.events import RecordedEvent
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable
from app.graphql.internals.strawberry import core_schema
from app.read_models.order_details import order_details
from schema.root import schema
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop

CORE = core_schema(schema)


def test_what_is_read_or_done_on_its_own_is_nullable() -> None:
    kinds = [kind for kind in CORE.type_map.values() if isinstance(kind, GraphQLObjectType)]
    asynchronous, never_null = set(), set()
    for kind in kinds:
        for name, field in kind.fields.items():
            declared: Any = field.extensions.get("strawberry-definition")
            if declared and declared.is_async and kind is not CORE.subscription_type:
                asynchronous.add(f"{kind.name}.{name}")
                if isinstance(field.type, GraphQLNonNull):
                    never_null.add(f"{kind.name}.{name}")
    assert {"Customer.orders", "Query.nodes", "Sales.total", "Mutation.payOrder"} <= asynchronous
    assert never_null == set()


@pytest.fixture
async def service(mongo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service whose order details stop at the first order."""

    def refuse(recorded: RecordedEvent) -> list[Change]:
        raise ValueError("the order page is out of ink")

    settings = Settings(data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name)
    async with serving(settings) as running:
        shop = Shop(running.client)
        customer = await shop.customer(name="Ada")
        await running.client.send("{ customers { nodes { orders { nodes { id } } } } }")  # all have begun
        monkeypatch.setattr(order_details, "changes", refuse)
        await shop.order(customer=customer)
        head = await running.circle.log.head()
        with pytest.raises(ReadModelBehind):
            await running.circle.progress[order_details.name].wait_for(head, 20)
        yield running


async def test_a_late_read_model_does_not_take_the_lists_of_another_along(service: Service) -> None:
    query = """{ customers { totalCount nodes { name orderCount orders { nodes { id } } } }
        products { nodes { available } } }"""
    for _ in range(3):  # The third time a compiled query answers.
        answer = await service.client.send(query)
        assert answer.codes == ["READ_MODEL_BEHIND"]
        assert answer.body["errors"][0]["path"] == ["customers", "nodes", 0, "orders"]
        ada = {"name": "Ada", "orderCount": 1, "orders": None}
        assert answer.body["data"] == {
            "customers": {"totalCount": 1, "nodes": [ada]},
            "products": {"nodes": [{"available": 0}]},
        }


async def test_nodes_that_are_late_are_null_among_those_that_are_not(service: Service) -> None:
    answer = await service.client.send("{ customers { nodes { id lastOrder { orderId } } } }")
    [customer] = answer.data["customers"]["nodes"]
    ids = [customer["id"], customer["lastOrder"]["orderId"], "nonsense"]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } products { totalCount } }"
    for _ in range(3):
        answer = await service.client.send(query, {"ids": ids})
        assert sorted(answer.codes) == ["BAD_ID", "READ_MODEL_BEHIND"]
        assert answer.body["data"] == {
            "nodes": [{"__typename": "Customer"}, None, None],
            "products": {"totalCount": 1},
        }


async def test_too_many_nodes_do_not_take_the_other_fields_along(client: Client, shop: Shop) -> None:
    product = await shop.product()
    query = "query ($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { id } product(id: $id) { id } }"
    for _ in range(3):
        answer = await client.send(query, {"ids": [product] * 101, "id": product})
        assert answer.codes == ["BAD_ID"]
        assert answer.body["errors"][0]["message"] == "Ask for at most 100 nodes at once; these are 101."
        assert answer.body["data"] == {"nodes": None, "product": {"id": product}}


async def test_a_mutation_that_fails_leaves_the_receipts_of_those_before_it(
    client: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = service.circle.commands.execute
    names: list[str] = []

    async def execute_one(command: Any, **named: Any) -> Any:
        names.append(command.name)
        if len(names) > 1:
            raise WriteStoreUnavailable("The write store does not answer.")
        return await execute(command, **named)

    monkeypatch.setattr(service.circle.commands, "execute", execute_one)
    registered = "registerCustomer(input: { name: $name }) { receipt { events { type } } errors { code } }"
    query = "mutation ($name: String!) { one: " + registered + " two: " + registered + " }"
    answer = await service.client.send(query, {"name": "Eve"})
    assert answer.codes == ["WRITE_STORE_UNAVAILABLE"]
    one = {"receipt": {"events": [{"type": "CustomerRegistered"}]}, "errors": []}
    assert answer.body["data"] == {"one": one, "two": None}
    assert answer.token is not None


async def test_a_count_that_fails_leaves_the_page(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def count(*_: Any) -> int:
        raise ReadStoreUnavailable("The read store does not answer. Try again.")

    monkeypatch.setattr(type(service.circle.documents), "count", count)
    answer = await service.client.send("{ products { totalCount nodes { available } } freshness { state } }")
    assert answer.codes == ["READ_STORE_UNAVAILABLE"]
    assert answer.body["data"]["products"] == {"totalCount": None, "nodes": [{"available": 0}]}
    assert answer.body["data"]["freshness"]


async def test_a_command_whose_status_is_unknown_takes_no_documents_along(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def now(*_: Any) -> Any:
        raise WriteStoreUnavailable("The write store does not answer.")

    monkeypatch.setattr(service.circle.statuses, "now", now)
    query = """query ($id: UUID!) { commandStatus(commandId: $id) { state } products { totalCount } }"""
    answer = await service.client.send(query, {"id": "0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f"})
    assert answer.codes == ["WRITE_STORE_UNAVAILABLE"]
    assert answer.body["data"] == {"commandStatus": None, "products": {"totalCount": 1}}
