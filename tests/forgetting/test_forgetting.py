"""A person who was forgotten is nowhere: not in stores, documents, answers and backups made afterwards."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.backups.restoring import CannotRestore, restore
from app.backups.taking import back_up
from app.config import Settings
from app.cqrs.log.events import RecordedEvent
from app.domain.customers.events import CustomerForgotten, CustomerRegistered
from app.stores.sql.transactions import commands
from schema.circle.ids import key_of
from tests.backups.stores import but, until_caught_up
from tests.faults.checks.documents import REBUILT, check_documents, documents, rebuild
from tests.forgetting.people import PERSON, REASON, documents_in, files_below, lived, traces_in
from tests.inprocess import Service, serving
from tests.schema.shop import Shop

SHOWN = """query ($customer: ID!, $orders: [ID!]!) {
    customers(filter: {search: "zephyrine"}) { totalCount nodes { name } }
    customer(id: $customer) {
        name company email phone closed orderCount lifetimeSpend { amount } address { street } }
    nodes(ids: $orders) { ... on Order {
        customer { name } shipTo { street } cancelReason status total { amount } } }
    orders(filter: {customerId: $customer}) {
        totalCount totals { total { amount } } nodes { customerName } }
    activity(first: 100) { nodes { summary } }
}"""


@pytest.fixture
def settings(tmp_path: Path, mongo_url: str, database_url: str) -> Settings:
    return Settings(
        data_dir=tmp_path / "data",
        mongodb_url=mongo_url,
        mongodb_database=f"forgetting_{tmp_path.name[-20:]}",
        database_url=database_url.replace(str(tmp_path), str(tmp_path / "data")),
        read_cache_mb=16,
        search_engine="fts5",
    )


async def shown(service: Service, ids: dict[str, Any]) -> Any:
    orders = [ids["shipped"], ids["cancelled"], *ids["open"]]
    return (await service.client.send(SHOWN, {"customer": ids["customer"], "orders": orders})).data


async def forget(service: Service, customer: str, **how: Any) -> dict[str, Any]:
    return await service.client.mutate("forgetCustomer", "customer { name }", customerId=customer, **how)


async def log_of(service: Service) -> list[RecordedEvent]:
    return list(await service.circle.log.read(after=0, limit=1_000))


async def test_nothing_is_left_of_a_forgotten_person_and_the_books_stay_right(
    settings: Settings, mongo_url: str, tmp_path: Path
) -> None:
    async with serving(settings) as service:
        shop = Shop(service.client)
        other = await shop.customer(name="Ada Steadfast")
        await shop.order(customer=other)
        ids = await lived(shop)
        await until_caught_up(service)
        before = await shown(service, ids)
        assert before["customer"]["name"] == PERSON["name"]
        assert before["customers"]["totalCount"] == 1
        assert REASON in str(before)

        forgotten = await forget(service, ids["customer"])
        assert [each["type"] for each in forgotten["receipt"]["events"]] == [
            "CustomerClosed",
            "CustomerForgotten",
        ]
        assert forgotten["customer"] == {"name": None}
        await until_caught_up(service)
        after = await shown(service, ids)
        assert [*traces_in([("answers", str(after).encode())])] == []
        assert after["customers"]["totalCount"] == 0
        for figure in ("orderCount", "lifetimeSpend"):
            assert after["customer"][figure] == before["customer"][figure]
        for total in ("totalCount", "totals"):
            assert after["orders"][total] == before["orders"][total]
        assert [(each["status"], each["total"]) for each in after["nodes"]] == [
            (each["status"], each["total"]) for each in before["nodes"]
        ]
        manifest = await back_up(settings, tmp_path / "data" / "backup", documents=True)
        assert manifest.read_models
        # With the service at work: the write-ahead logs were emptied, too.
        assert [*traces_in(await asyncio.to_thread(lambda: [*files_below(tmp_path / "data")]))] == []
        assert [*traces_in(await documents_in(mongo_url, settings.mongodb_database))] == []
        registered = [
            each.event for each in await log_of(service) if isinstance(each.event, CustomerRegistered)
        ]
        key = key_of("Customer", ids["customer"])
        assert [each.personal for each in registered if each.customer_id == key] == [None]
        assert any(each.personal for each in registered)
    await rebuild(str(settings.database_url), mongo_url)
    live = await documents(mongo_url, settings.mongodb_database)
    assert [*check_documents(live, await documents(mongo_url, REBUILT))] == []


async def test_a_customer_with_open_orders_is_forgotten_only_if_the_operator_says_so(
    settings: Settings,
) -> None:
    async with serving(settings) as service:
        ids = await lived(Shop(service.client), open_orders=2)
        refused = await forget(service, ids["customer"])
        [error] = refused["errors"]
        assert (error["code"], error["path"]) == ("CUSTOMER_HAS_OPEN_ORDERS", ["input", "customerId"])
        assert error["message"].startswith(
            "This customer has 2 orders that are neither shipped nor cancelled."
        )
        accepted = await forget(service, ids["customer"], despiteOpenOrders=True)
        assert accepted["errors"] == []
        # The shop can still cancel them. The reason is not kept: it could name the customer again.
        [first, _] = ids["open"]
        assert not (await service.client.mutate("cancelOrder", "", orderId=first, reason=REASON))["errors"]
        await until_caught_up(service)
        assert [*traces_in([("answers", str(await shown(service, ids)).encode())])] == []


async def test_who_was_forgotten_is_forgotten_once_and_inputs_are_not_compared_any_more(
    settings: Settings,
) -> None:
    id = UUID("6f0a3c44-6d5f-4f0e-9d7e-3f1f2b7c8a90")
    async with serving(settings) as service:
        registered = await service.client.mutate("registerCustomer", "", commandId=str(id), **PERSON)
        customer = registered["receipt"]["events"][0]["subject"]
        reused = await service.client.mutate("registerCustomer", "", commandId=str(id), name="Bob")
        assert [each["code"] for each in reused["errors"]] == ["COMMAND_ID_REUSED"]
        first = await forget(service, customer)
        again = await forget(service, customer)
        assert (again["errors"], again["receipt"]["events"]) == ([], [])
        assert len([each for each in await log_of(service) if isinstance(each.event, CustomerForgotten)]) == 1
        repeated = await service.client.mutate("registerCustomer", "", commandId=str(id), name="Bob")
        assert repeated["receipt"]["events"] == registered["receipt"]["events"]
        async with service.circle.log._engines.reading.connect() as connection:  # type: ignore[attr-defined]
            found = (await connection.execute(select(commands.c.command_id, commands.c.fingerprint))).all()
        fingerprints = {row.command_id: row.fingerprint for row in found}
        assert fingerprints[id] == ""
        assert fingerprints[UUID(first["receipt"]["commandId"])].startswith("k1:")


async def test_a_restored_backup_forgets_again_who_was_forgotten_since(
    settings: Settings, mongo_url: str, tmp_path: Path
) -> None:
    async with serving(settings) as service:
        shop = Shop(service.client)
        ids = await lived(shop, open_orders=1)
        other = await shop.customer(name="Ada Steadfast", email="ada@steadfast.example")
        await until_caught_up(service)
        await back_up(settings, tmp_path / "backup", documents=True, keys_file=tmp_path / "keys")
        assert [*traces_in(files_below(tmp_path / "backup"))] == [], "all is sealed, and no document has any"
        await forget(service, ids["customer"], despiteOpenOrders=True)
    await restore(settings, tmp_path / "backup", overwrite=True)
    async with serving(but(settings, read_patience=30)) as service:
        await until_caught_up(service)
        [again] = [each for each in await log_of(service) if isinstance(each.event, CustomerForgotten)]
        assert again.actor == "restore"
        assert [*traces_in([("answers", str(await shown(service, ids)).encode())])] == []
        named = await service.client.send("query ($id: ID!) { customer(id: $id) { name } }", {"id": other})
        assert named.data["customer"] == {"name": "Ada Steadfast"}, "the others are as they were"
        taken = await service.client.mutate("registerCustomer", "", name="Eve", email="ada@steadfast.example")
        assert [each["code"] for each in taken["errors"]] == ["DUPLICATE_EMAIL"]
    # Keys from before make nobody known again where the forgotten are known.
    await restore(settings, tmp_path / "backup", overwrite=True, keys_file=tmp_path / "keys")
    async with serving(but(settings, read_patience=30)) as service:
        await until_caught_up(service)
        assert [*traces_in([("answers", str(await shown(service, ids)).encode())])] == []


async def test_who_is_restored_without_their_key_is_forgotten_in_rows_and_documents(
    settings: Settings, mongo_url: str, tmp_path: Path
) -> None:
    async with serving(settings) as service:
        ids = await lived(Shop(service.client), open_orders=1)
        await back_up(settings, tmp_path / "backup", documents=False, keys_file=tmp_path / "keys")
        await Shop(service.client).customer(name="Ada Steadfast")
        await back_up(settings, tmp_path / "later", documents=False)
    elsewhere = but(
        settings, data_dir=tmp_path / "elsewhere", keys_url=f"sqlite+aiosqlite:///{tmp_path}/other-keys.db"
    )
    with pytest.raises(CannotRestore, match="keys of 1 people in the backup are not in"):
        await restore(elsewhere, tmp_path / "later", overwrite=True, keys_file=tmp_path / "keys")
    elsewhere = but(elsewhere, keys_url=f"sqlite+aiosqlite:///{tmp_path}/no-keys.db")
    restored = await restore(elsewhere, tmp_path / "backup", overwrite=True, without_keys=True)
    assert restored.lost == 1
    async with serving(but(elsewhere, read_patience=30)) as service:
        await until_caught_up(service)
        customer = (await shown(service, ids))["customer"]
        assert (customer["name"], customer["closed"], customer["orderCount"]) == (None, True, 2)
        refused = await service.client.mutate("updateCustomer", "", customerId=ids["customer"], name="Eve")
        assert [each["code"] for each in refused["errors"]] == ["CUSTOMER_CLOSED"]
        [forgotten] = [each for each in await log_of(service) if isinstance(each.event, CustomerForgotten)]
        assert forgotten.actor == "restore"


async def test_a_key_that_could_not_be_destroyed_is_destroyed_at_the_next_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.cqrs.unavailable import WriteStoreUnavailable
    from app.stores.sql.keys.store import KeyStore

    async def away(_keys: KeyStore, _people: object) -> None:
        raise WriteStoreUnavailable("The store of keys does not answer.")

    async with serving(settings) as service:
        ids = await lived(Shop(service.client))
        with monkeypatch.context() as patched:
            patched.setattr(KeyStore, "destroy", away)
            accepted = await forget(service, ids["customer"])
            assert accepted["errors"] == [], "the decision is recorded"
            person = key_of("Customer", ids["customer"])
            assert person in await service.circle.log._codec.keys.store.find([person])  # type: ignore[attr-defined]
    async with serving(settings) as service:
        assert await service.circle.log._codec.keys.store.find([person]) == {}  # type: ignore[attr-defined]
