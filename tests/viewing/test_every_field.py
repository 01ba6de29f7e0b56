"""Every field of the schema, asked for by every role in every way: nobody is shown a stranger's document."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from app.cqrs.documents.audiences import Audience
from app.cqrs.opaque import unwrapped
from app.cqrs.viewers import Sight
from app.graphql.execution.visibility import declared_sight
from app.graphql.internals.strawberry import core_schema
from schema.root import schema
from tests.inprocess import Service
from tests.viewing.operations import FINAL, Asked, mutations, queries
from tests.viewing.roles import ADA, ANONYMOUS, BOB, CUSTOMERS, OPERATOR, ROLES, STAFF, Books
from tests.viewing.ways import over_http, socket_of

pytestmark = pytest.mark.campaign

EVENTS = "text/event-stream"
CORE = core_schema(schema)

SIGHTS = {
    ANONYMOUS: Sight.ANONYMOUS,
    ADA: Sight.CUSTOMER,
    BOB: Sight.CUSTOMER,
    STAFF: Sight.STAFF,
    OPERATOR: Sight.OPERATOR,
}


def sight_for(asked: Asked) -> Sight:
    """The lowest sight with which a query may be asked, as the schema declares it."""
    assert CORE.query_type
    sight = declared_sight(CORE.query_type.fields[asked.field])
    assert sight is not None
    return sight


def is_refused(asked: Asked, answer: str) -> bool:
    """Whether the query itself, and not only a field in its answer, was refused."""
    body = json.loads(answer)
    refused = [
        error["path"] for error in body.get("errors", ()) if error["extensions"]["code"] == "FORBIDDEN"
    ]
    return refused == [[asked.field]] and body["data"] == {asked.field: None}


@pytest.mark.parametrize("role", ROLES)
async def test_no_query_shows_a_strangers_document(guarded: Service, books: Books, role: str) -> None:
    compiled, shown = guarded.operations.compiled, Counter[str]()
    recalled = compiled.recalled
    async with socket_of(books, role) as socket:
        for asked in queries(CORE, books):
            own = replace(asked, text=f"{asked.text} # {role}")  # so that nobody else has asked it
            answers = [await over_http(books, role, own) for _ in range(3)]
            answers.append(await over_http(books, role, asked))  # which others have asked
            answers.append(await socket.ask(asked))
            answers.append(await over_http(books, role, asked, accept=EVENTS))
            for answer in answers:
                echoed = [str(asked.variables["commandId"])] if asked.field == "commandStatus" else []
                assert books.foreign_in(answer, role, echoed) == [], (asked, answer)
            assert is_refused(asked, answers[0]) is not SIGHTS[role].includes(sight_for(asked)), asked
            for name in CUSTOMERS:
                shown[name] += any(mark in answers[0] for mark in books.of[name].ids)
    seen = {name for name in CUSTOMERS if shown[name]}
    assert seen == {ANONYMOUS: set(), ADA: {ADA}, BOB: {BOB}}.get(role, set(CUSTOMERS)), (
        "this shows something"
    )
    assert compiled.recalled > recalled + 20


async def test_a_collection_that_is_everybodys_by_mistake_is_found(
    guarded: Service, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tests beside this one look for would be there."""
    monkeypatch.setattr(Audience, "limited", lambda _self, filter, _scope: filter)
    monkeypatch.setattr(Audience, "includes", lambda *_anything: True)
    found = Counter[str]()
    for asked in queries(CORE, books):
        if asked.field not in ("commandStatus", "activity", "sales"):
            asked = Asked(asked.field, asked.text + " ", asked.variables)  # not kept yet
            found[asked.field] += len(books.foreign_in(await over_http(books, ADA, asked), ADA))
    assert {name for name in found if found[name]} == {
        "customer",
        "customers",
        "node",
        "nodes",
        "order",
        "orders",
    }


LEFT_OUT = {BOB: FINAL[1:], OPERATOR: FINAL, STAFF: FINAL}
"""Customers send the final mutations about themselves at the end."""

EVENT = '"__typename":"EventReference"'
"""In the receipt of a command that was accepted."""

ACCEPTED = {
    ANONYMOUS: set[str](),
    BOB: {"placeOrder", "updateCustomer", "cancelOrder", "sendCommands"},
    ADA: {"placeOrder", "updateCustomer", "cancelOrder", "closeCustomer", "sendCommands"},
    OPERATOR: {"addProduct", "receiveStock", "registerCustomer", "sendCommands"},
    STAFF: {"receiveStock", "registerCustomer", "sendCommands"},
}
"""The mutations of which at least one is accepted; staff and operators have others accepted, too."""


@pytest.mark.parametrize("role", ACCEPTED)
async def test_no_payload_shows_a_strangers_document(books: Books, role: str) -> None:
    done = Counter[str]()
    every = [each for each in mutations(CORE, books) if each.field not in LEFT_OUT.get(role, ())]
    async with socket_of(books, role) as socket:
        for number, asked in enumerate(sorted(every, key=lambda each: each.field in FINAL)):
            answer = await (socket.ask(asked) if number % 2 else over_http(books, role, asked))
            assert books.foreign_in(answer, role, echoed(asked, books)) == [], (asked, answer)
            done[asked.field] += EVENT in answer
    accepted = {name for name in done if done[name]}
    assert accepted >= ACCEPTED[role]
    assert accepted == ACCEPTED[role] or not books.strangers_of(role)


def echoed(asked: Asked, books: Books) -> set[str]:
    """The ids in an input, which a refusal may repeat, and the words that a customer gives themselves."""
    named = asked.variables["input"]
    for command in named.get("commands", ()):
        [named] = command.values()
    ids = {named[each] for each in ("customerId", "orderId") if each in named}
    keys = {unwrapped(id).decode().partition(":")[2] for id in ids}
    words = {word for name in CUSTOMERS for word in books.of[name].words if word in str(named)}
    return ids | keys | words | {named.get("commandId", "")}
