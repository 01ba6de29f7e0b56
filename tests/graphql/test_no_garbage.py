"""What a request or a subscriber has used is freed at once, and does not wait for a garbage collection.

Such collections hold up everybody, and leave out what has outlived one of them.
"""

import asyncio
import gc
from collections.abc import Iterator

import pytest
from graphql import parse

from app.graphql.admission.validation import RULES, errors_in_slices, errors_of
from app.graphql.execution.context import Context
from app.graphql.internals.strawberry import core_schema
from app.graphql.streaming.subscribers import SharedExecution
from app.graphql.transport.socket import Socket
from schema.root import schema
from tests.graphql.transport.test_websockets import FOLLOW, opened, receive, send, subscribe
from tests.inprocess import Service

TEXT = """query Page($id: ID!, $first: Int) { product(id: $id) { name ...Stock missing }
    orders(first: $first) { nodes { id status } totalCount } } fragment Stock on Product { onHand }"""


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage is collected in a test, but there is none when it begins."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_the_garbage_of_a_validation_does_not_grow_with_its_rules() -> None:
    document, garbage = parse(TEXT), []
    for rules in ((), RULES, (), RULES):
        errors_of(core_schema(schema), document, rules)
        garbage.append(gc.collect())
    assert garbage[2] == garbage[3]
    await errors_in_slices(core_schema(schema), document, RULES)
    assert gc.collect() <= garbage[3] + 20


@pytest.mark.usefixtures("uncollected")
async def test_nothing_is_left_of_a_socket_and_its_operations_when_it_is_closed(service: Service) -> None:
    kinds = (Socket, SharedExecution, Context)
    before = {id(each) for each in gc.get_objects() if isinstance(each, kinds)}
    async with opened(service.client) as socket:
        await send(socket, subscribe(FOLLOW))
        await send(socket, subscribe(FOLLOW, id="2"))
        await receive(socket)
        await send(socket, {"type": "complete", "id": "1"})
        await send(socket, {"type": "ping"})
        while (await receive(socket))["type"] != "pong":
            pass
    async with asyncio.timeout(20):
        while [each for each in gc.get_objects() if isinstance(each, kinds) and id(each) not in before]:
            await service.client.send("{ __typename }")
