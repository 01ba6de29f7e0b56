"""A trace leads from the mutation through its events and the read models to the delivered item."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.config import Settings
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.tracing.callers import Caller, pay, send
from tests.tracing.collector import Collector, collecting

SERVER, INTERNAL, PRODUCER, CONSUMER = 2, 1, 4, 5

PROJECTED = ("project order_details", "project order_list", "project activity")

WATCH = "subscription ($id: ID!) { orderUpdated(id: $id) { order { status } } }"
CHANGES = """subscription { readModelUpdates(readModels: [ORDER_LIST]) {
    ... on DocumentChanged { position } } }"""
LIST = "subscription { ordersUpdated(first: 5) { changes { nodeId } } }"
ORDER = "query Order($id: ID!) { order(id: $id) { status } }"


async def trace_at(service: Service, position: int) -> str | None:
    [event] = await service.circle.log.read(after=position - 1, limit=1)
    return event.trace


async def test_one_trace_leads_from_the_mutation_to_the_delivered_item(
    traced: Service, collector: Collector, client: Client, shop: Shop
) -> None:
    customer = await shop.customer(name="Wilhelmina Harker", email="mina@harker.example")
    order, caller = await shop.order(customer=customer), Caller.new()
    async with client.subscribe(WATCH, {"id": order}) as updates:
        await updates.next()
        receipt = await pay(client, order, caller.header())
        assert (await updates.next())["order"] == {"status": "PAID"}
        found = await collector.trace(caller.trace, "deliver orderUpdated", *PROJECTED)

    [position] = [int(event["position"]) for event in receipt["events"]]
    mutation, command, relay = found["mutation"], found["command PayOrder"], found["publish events"]
    assert (mutation.parent, mutation.kind, mutation.service) == (caller.span, SERVER, "shop")
    assert mutation.attributes == {"graphql.operation.type": "mutation", "graphql.operation.name": "Pay"}
    assert (command.parent, command.kind) == (mutation.id, INTERNAL)
    assert command.attributes == {
        "diptych.command.id": receipt["commandId"],
        "diptych.command.outcomes": ["ACCEPTED"],
        "diptych.events.positions": [position],
        "diptych.events.types": ["OrderPaid"],
    }
    assert (relay.parent, relay.kind) == (command.id, PRODUCER)
    projected = {name: span for name, span in found.items() if name.startswith("project ")}
    assert projected.keys() >= {*PROJECTED}
    assert {(span.parent, span.kind) for span in projected.values()} == {(relay.id, CONSUMER)}
    assert projected["project order_list"].attributes["diptych.read_model"] == "order_list"
    assert projected["project order_list"].attributes["diptych.events.positions"] == [position]
    delivered = found["deliver orderUpdated"]
    assert delivered.parent == projected["project order_details"].id
    assert delivered.attributes["diptych.subscribers"] == 1
    assert await trace_at(traced, position) == f"00-{caller.trace}-{command.id}-01"
    assert not any(span.failed or span.links for span in found.values())
    assert all(0 <= span.seconds < 20 for span in found.values())
    for personal in ("harker", "Wilhelmina", "anonymous", customer):
        assert personal.lower() not in repr(found).lower()


async def test_notices_and_lists_are_delivered_as_parts_of_the_trace(
    collector: Collector, client: Client, shop: Shop
) -> None:
    order, caller = await shop.order(), Caller.new()
    async with AsyncExitStack() as opened:
        changes = await opened.enter_async_context(client.subscribe(CHANGES))
        rows = await opened.enter_async_context(client.subscribe(LIST))
        await changes.next()
        await rows.next()
        await pay(client, order, caller.header())
        names = ("deliver readModelUpdates", "deliver ordersUpdated")
        found = await collector.trace(caller.trace, *names)
    assert {found[name].parent for name in names} == {found["project order_list"].id}


async def test_a_batch_with_several_causes_has_links_to_their_traces(
    traced: Service, collector: Collector, client: Client, shop: Shop
) -> None:
    orders, callers = [await shop.order() for _ in range(3)], [Caller.new() for _ in range(3)]
    projector = traced.circle.rebuilds.serving["order_list"]
    await projector.progress.wait_for(traced.circle.relay.published, 20)
    async with client.subscribe(CHANGES) as changes:
        await changes.next()
        async with projector.between_batches:  # The first event is taken and waits; the others come together.
            for order, caller in zip(orders, callers, strict=True):
                await pay(client, order, caller.header())
        project, deliver = "project order_list", "deliver readModelUpdates"
        first, both, linked = [await collector.trace(each.trace, deliver) for each in callers]
    assert first[project].links == []
    assert both[project].links == [callers[2].trace]
    assert len(both[project].attributes["diptych.events.positions"]) == 2
    assert both[deliver].parent == both[project].id
    assert project not in linked
    assert linked[deliver].parent == linked["command PayOrder"].id
    assert linked[deliver].links == [callers[1].trace]


async def test_what_is_not_sampled_stores_nothing_and_sends_nothing(
    traced: Service, collector: Collector, client: Client, shop: Shop
) -> None:
    order, unsampled, sampled = await shop.order(), Caller.new(), Caller.new()
    receipt = await pay(client, order, unsampled.header("00"))
    assert await trace_at(traced, int(receipt["events"][0]["position"])) is None
    for place in (f"00-{'0' * 32}-{unsampled.span}-01", "00-nonsense-01", "ff" + "0" * 53):
        receipt = await pay(client, await shop.order(), {"traceparent": place})
        assert await trace_at(traced, int(receipt["events"][0]["position"])) is None
    await pay(client, await shop.order(), sampled.header())
    await collector.trace(sampled.trace, "project activity")
    assert collector.of(unsampled.trace) == {}
    assert {each.trace for each in collector.spans if not each.parent} == set()


@pytest.mark.parametrize(
    "query",
    [
        '{ node(id: "nonsense") { id } }',
        '{ order(id: "nonsense") { id } products(first: 1) { nodes { id } } }',
        "{ nothing }",
        "mutation { payOrder }",
    ],
)
async def test_an_operation_whose_answer_has_errors_has_failed(
    collector: Collector, client: Client, query: str
) -> None:
    for _ in range(3):  # by strawberry, and compiled
        caller = Caller.new()
        response = await client.http.post(
            f"{client.url}/graphql", json={"query": query}, headers=caller.header()
        )
        assert response.json()["errors"]
        kind = "mutation" if "mutation" in query else "query"
        assert (await collector.trace(caller.trace, kind))[kind].failed


async def test_an_answer_from_memory_is_a_part_of_its_callers_trace(
    collector: Collector, client: Client, shop: Shop
) -> None:
    order = await shop.order()
    answers, callers = [], [Caller.new() for _ in range(4)]
    for caller in callers:
        headers = {**caller.header(), "Consistency-Token": client.seen}
        answers.append(await send(client, ORDER, headers, id=order))
        span = (await collector.trace(caller.trace, "query"))["query"]
        assert (span.parent, span.kind) == (caller.span, SERVER)
        assert span.attributes["graphql.operation.name"] == "Order"
    assert span.attributes["diptych.answer"] == "kept"
    assert all(answer == answers[0] for answer in answers)


async def test_operations_over_sockets_and_lists_of_commands_are_traced_and_the_last_spans_are_sent(
    mongo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    many = """mutation { sendCommands(input: { commands: [
        { addProduct: { sku: "A", name: "A", category: "C", unitPrice: { amount: "1" } } },
        { addProduct: { sku: "A", name: "A", category: "C", unitPrice: { amount: "1" } } } ] }) {
        results { errors { code } } } }"""
    with collecting() as collector:
        settings = Settings(
            data_dir=tmp_path,
            mongodb_url=mongo_url,
            mongodb_database=tmp_path.name,
            otel_exporter_otlp_endpoint=collector.url,
        )
        caller = Caller.new()
        async with (
            serving(settings) as service,
            service.client.subscribe(many, extensions=caller.header()) as socket,
        ):
            await socket.next()
            assert collector.spans == []
        await collector.until(lambda: bool(collector.spans))
    by_name = {each.name: each for each in collector.spans}
    mutation, commands = by_name["mutation"], by_name["command list"]
    assert (mutation.trace, mutation.parent) == (caller.trace, caller.span)
    assert mutation.service == "diptych"
    assert commands.parent == mutation.id
    assert commands.attributes["diptych.commands"] == 2
    assert commands.attributes["diptych.command.outcomes"] == ["ACCEPTED", "DUPLICATE_SKU"]
    assert by_name["publish events"].trace == mutation.trace


async def test_a_collector_that_is_away_costs_nothing_and_is_told_of_once(
    mongo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    with collecting() as collector:
        url, port = collector.url, int(collector.url.rpartition(":")[2])
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
        otel_exporter_otlp_endpoint=url.replace("//", "//user:secret@"),
    )

    def lines() -> list[str]:
        return [each.getMessage() for each in caplog.records if "tracing" in each.name]

    async def until(number: int) -> None:
        async with asyncio.timeout(20):
            while len(lines()) < number:
                await Shop(service.client).product()

    async with serving(settings) as service:
        await until(1)
        for _ in range(20):
            await Shop(service.client).product()
        assert lines() == [
            f"The collector does not take traces, which are dropped until it does: url={url}/v1/traces"
        ]
        with collecting(port) as collector:
            await until(2)
            assert lines()[1:] == [f"The collector takes traces again: url={url}/v1/traces"]
            await collector.until(lambda: bool(collector.spans))
    assert "secret" not in caplog.text
    assert not [each for each in caplog.records if each.name.startswith("opentelemetry")]
