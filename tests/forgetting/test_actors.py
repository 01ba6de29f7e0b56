"""Names of those who act: stored under pseudonyms, and gone for good once they are forgotten."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from app.backups.taking import back_up
from app.config import Settings
from app.cqrs.log.browsing import WantedEvents
from app.cqrs.log.personal import ActorForgotten
from app.cqrs.revocations import Revocations
from app.cqrs.viewers import OPEN, Scope, Sight, Viewer
from app.domain.customers.commands import ForgetCustomer, RegisterCustomer, UpdateCustomer
from app.domain.orders.commands import PayOrder
from app.domain.stock.commands import ReceiveStock
from app.stores.sql.operating.actors import IsCustomer
from app.stores.sql.transactions import commands, events
from schema.circle.ids import key_of
from tests.backups.stores import until_caught_up
from tests.domain.shop import Shop, open_shop
from tests.faults.checks.documents import REBUILT, check_documents, documents, rebuild
from tests.forgetting.people import documents_in, files_below, traces_in
from tests.inprocess import Service, serving
from tests.schema.shop import Shop as Window
from tests.viewers import BEA

NAME = "zephyrine@wrenmoor.example"
ZEPHYRINE = Viewer(actor=NAME, scope=Scope(Sight.STAFF))


def herself(customer: UUID) -> Viewer:
    """The viewer that signs in as a customer, under a name that is not the customer's id."""
    return Viewer(actor=NAME, scope=Scope(Sight.CUSTOMER, str(customer)))


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def stored(shop: Shop) -> list[tuple[str, bytes]]:
    """Everything that names an actor in the write store."""
    async with shop.engines.reading.connect() as connection:
        actors = [
            (await connection.execute(select(table.c.actor))).scalars().all() for table in (events, commands)
        ]
    return [("the actors", str(actors).encode())]


async def actors(shop: Shop) -> list[str]:
    return [each.actor for each in await shop.history()]


async def found(shop: Shop, actor: str) -> list[int]:
    """The positions of the events of an actor, as operators search for them."""
    newest = await shop.store.browse(WantedEvents(actor=actor), before=None, limit=100)
    return [each.position for each in newest.events][::-1]


async def test_the_store_has_a_pseudonym_and_everybody_reads_the_name(shop: Shop) -> None:
    id = uuid4()
    first = await shop.accept(RegisterCustomer(name="Ada"), viewer=ZEPHYRINE, command_id=id)
    await shop.accept(RegisterCustomer(name="Bob"), viewer=BEA)
    await shop.accept(RegisterCustomer(name="Eve"), viewer=ZEPHYRINE)
    assert [*traces_in(await stored(shop))] == []
    for of in (shop, shop.of_another_process()):
        assert await actors(of) == [NAME, BEA.actor, NAME]
        assert await of.accept(RegisterCustomer(name="Ada"), viewer=ZEPHYRINE, command_id=id) == first
    assert await found(shop, NAME) == [1, 3]
    assert {key.actor for key in await shop.store.receipts([id])} == {NAME}
    assert (await shop.store.envelope(1) or {})["actor"] == NAME


async def test_a_forgotten_name_reads_as_erased_and_equal_actors_stay_equal(
    shop: Shop, database_url: str
) -> None:
    for viewer in (ZEPHYRINE, BEA, ZEPHYRINE):
        await shop.accept(RegisterCustomer(name="Ada"), viewer=viewer)
    async with open_shop(database_url) as other:
        assert NAME in await actors(other), "it knows the name now"
        [shown] = await shop.store.forget_actor(NAME, by="command line")
        for of in (shop, other):
            assert await actors(of) == [shown, BEA.actor, shown, "command line"]
        assert shown.startswith("erased ")
        assert await found(shop, shown) == [1, 3]
        assert await found(shop, NAME) == []
        assert await shop.store.forget_actor(NAME, by="command line") == [], "nobody has the name any more"
        await other.accept(RegisterCustomer(name="Ada"), viewer=ZEPHYRINE)
        assert await found(other, NAME) == [5], "somebody new has it now"
    assert [*traces_in(await stored(shop))] == []
    assert [each.event for each in await shop.history() if isinstance(each.event, ActorForgotten)] != []


async def test_a_customer_who_acts_is_forgotten_with_the_customer(shop: Shop) -> None:
    customer = await shop.customer(name="Zephyrine")
    await shop.accept(UpdateCustomer(customer_id=customer, name="Zephy"), viewer=herself(customer))
    assert await actors(shop) == [OPEN.actor, NAME]
    with pytest.raises(IsCustomer, match=f"Use `forget {customer}`"):
        await shop.store.forget_actor(NAME, by="command line")
    await shop.accept(ForgetCustomer(customer_id=customer))
    for of in (shop, shop.of_another_process()):
        shown = (await actors(of))[1]
        assert shown == f"erased {customer.hex[-8:]}"
        assert await found(of, shown) == [2]
    # A token that is still valid names her again, and nothing that leads to her is stored.
    product = await shop.product()
    again = Viewer(actor=NAME, scope=Scope(Sight.STAFF, str(customer)))
    await shop.accept(ReceiveStock(product_id=product, quantity=1), viewer=again)
    assert (await actors(shop))[-1] == shown
    assert [*traces_in(await stored(shop))] == []


async def test_names_in_the_open_are_replaced_by_portions_and_read_the_same_all_the_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [uuid4() for _ in range(4)]
    for id, viewer in zip(ids, (ZEPHYRINE, BEA, OPEN, ZEPHYRINE), strict=True):
        await shop.accept(RegisterCustomer(name="Ada"), viewer=viewer, command_id=id)
    before = await shop.history()
    async with shop.engines.writing.begin() as connection:
        for id, viewer in zip(ids, (ZEPHYRINE, BEA, OPEN, ZEPHYRINE), strict=True):
            for table in (events, commands):
                row = update(table).where(table.c.command_id == id)
                await connection.execute(row.values(actor=viewer.actor))
    sealed = shop.store.sealed
    assert sealed
    await sealed.start_over()
    assert {*traces_in(await stored(shop))} != set()
    assert await shop.history() == before, "documents have the person before the name is replaced"
    monkeypatch.setattr("app.stores.sql.keys.upkeep._OPEN", _in_portions_of(2))
    portions = sealed.seal()
    await anext(portions)
    await portions.aclose()  # type: ignore[attr-defined]
    assert await shop.history() == before, "some are replaced, and others are not"
    assert await found(shop, NAME) == [1, 4]
    async for _ in sealed.seal():
        assert await shop.history() == before
    assert [*traces_in(await stored(shop))] == []
    assert await found(shop, NAME) == [1, 4]
    again = await shop.accept(RegisterCustomer(name="Ada"), viewer=ZEPHYRINE, command_id=ids[0])
    assert again.position == 1, "the command is known by its actor"


def _in_portions_of(size: int) -> object:
    from app.stores.sql.keys.upkeep import _OPEN

    return _OPEN.limit(size)


async def test_tokens_stay_revoked_when_the_name_is_forgotten(shop: Shop) -> None:
    await shop.accept(RegisterCustomer(name="Ada"), viewer=ZEPHYRINE)
    at = (await shop.store.revoke(NAME, by=NAME)).at.timestamp()
    [shown] = await shop.store.forget_actor(NAME, by="command line")
    [kept] = await shop.store.revocations(after=0)
    assert (kept.actor[:3], kept.by) == ("k1:", shown)
    revocations = Revocations(shop.store)
    revocations.compare_by(shop.store.revocation_key())
    await revocations.read()
    assert revocations.is_revoked(NAME, at)
    assert not revocations.is_revoked(BEA.actor, at)


SHOWN = """query ($order: ID!, $actor: String!) {
    order(id: $order) { placedBy timeline { status actor } }
    activity(first: 100, filter: {actor: $actor}) { nodes { type actor } }
    events(first: 100, filter: {actor: $actor}) { nodes { type actor } } }"""


async def test_no_document_answer_or_backup_has_a_forgotten_actors_name(
    tmp_path: Path, mongo_url: str, database_url: str
) -> None:
    settings = Settings(
        data_dir=tmp_path / "data",
        mongodb_url=mongo_url,
        mongodb_database=f"actors_{tmp_path.name[-20:]}",
        database_url=database_url.replace(str(tmp_path), str(tmp_path / "data")),
        read_cache_mb=16,
    )
    async with serving(settings) as service:
        window = Window(service.client)
        customer, order = await window.customer(name="Ada"), await window.order()
        await _send(service, PayOrder(order_id=key_of("Order", order)), ZEPHYRINE)
        her = key_of("Customer", customer)
        await _send(service, UpdateCustomer(customer_id=her, name="Bea"), herself(her))
        await until_caught_up(service)
        before = await _shown(service, order, NAME)
        assert [each["actor"] for each in before["order"]["timeline"]] == ["anonymous", NAME]
        for trail in ("activity", "events"):
            assert [each["type"] for each in before[trail]["nodes"]] == ["CustomerUpdated", "OrderPaid"]

        [shown] = await service.circle.log.forget_actor(NAME, by="command line")  # type: ignore[attr-defined]
        forgotten = await service.client.mutate("forgetCustomer", "", customerId=customer)
        assert forgotten["errors"] == []
        await until_caught_up(service)
        after = await _shown(service, order, shown)
        assert [each["actor"] for each in after["order"]["timeline"]] == ["anonymous", shown]
        for trail in ("activity", "events"):
            assert after[trail]["nodes"] == [{"type": "OrderPaid", "actor": shown}]
        whole = await _shown(service, order, NAME)
        assert (whole["activity"]["nodes"], whole["events"]["nodes"]) == ([], [])
        await back_up(settings, tmp_path / "data" / "backup", documents=True, keys_file=tmp_path / "keys")
        assert [*traces_in(await documents_in(mongo_url, settings.mongodb_database))] == []
        assert [*traces_in(files_below(tmp_path / "data"))] == []
        assert [*traces_in(files_below(tmp_path / "keys"))] == []
    await rebuild(str(settings.database_url), mongo_url)
    live = await documents(mongo_url, settings.mongodb_database)
    assert [*check_documents(live, await documents(mongo_url, REBUILT))] == []


async def _send(service: Service, command: Any, viewer: Viewer) -> None:
    outcome = await service.circle.commands.execute(command, viewer=viewer)
    assert not hasattr(outcome, "errors"), outcome


async def _shown(service: Service, order: str, actor: str) -> dict[str, Any]:
    data: dict[str, Any] = (await service.client.send(SHOWN, {"order": order, "actor": actor})).data
    return data
