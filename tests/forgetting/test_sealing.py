"""Personal data is stored with a key of the person, also what earlier programs stored openly."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update

from app.cqrs.commands.fingerprints import fingerprint
from app.cqrs.log.events import UnreadableEvent
from app.cqrs.messages import encode
from app.domain.customers.commands import ForgetCustomer, RegisterCustomer
from app.domain.customers.events import CustomerRegistered
from app.domain.orders.commands import CancelOrder
from app.domain.orders.events import OrderCancelled, OrderPlaced
from app.domain.stock.commands import AdjustStock
from app.stores.sql.failures import UnfitStore
from app.stores.sql.keys.sealing import DataKey, WrongKey, sealed, unsealed
from app.stores.sql.keys.store import beside
from app.stores.sql.keys.upkeep import SealedLog
from app.stores.sql.transactions import commands, events
from tests.domain.shop import Shop, open_shop
from tests.forgetting.people import REASON, files_below, traces_in
from tests.keys import keys_of

NAME = "Zephyrine Quillfeather"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def lived(shop: Shop) -> tuple[UUID, UUID]:
    """Somebody registers, orders, and cancels; return their id and the order's."""
    customer, product = await shop.customer(name=NAME), await shop.product(on_hand=3)
    order = await shop.order(customer, (product, 1))
    await shop.accept(CancelOrder(order_id=order, reason=REASON))
    return customer, order


def upkeep(shop: Shop) -> SealedLog:
    assert shop.store.sealed
    return shop.store.sealed


async def stored(shop: Shop) -> list[tuple[str, bytes]]:
    """The data of all events as it is stored, and all fingerprints."""
    async with shop.engines.reading.connect() as connection:
        found = (await connection.execute(select(events.c.type, events.c.data, events.c.sealed))).all()
        inputs = (await connection.execute(select(commands.c.fingerprint))).scalars().all()
    return [
        *((row.type, row.data.encode() + (row.sealed or b"")) for row in found),
        ("fingerprints", " ".join(inputs).encode()),
    ]


async def opened_up(shop: Shop) -> None:
    """Have the store be as a program stored it that did not seal anything yet."""
    plain = {event.position: encode(event.event) for event in await shop.history()}
    registering = fingerprint(RegisterCustomer(name=NAME))
    async with shop.engines.writing.begin() as connection:
        for position, data in plain.items():
            row = update(events).where(events.c.position == position)
            await connection.execute(row.values(data=data, sealed=None, person=None))
        await connection.execute(update(commands).values(fingerprint=registering))
    await upkeep(shop).start_over()


async def test_what_is_personal_is_not_in_the_log_and_reads_as_it_was(shop: Shop) -> None:
    customer, order = await lived(shop)
    assert [*traces_in(await stored(shop))] == []
    history = await shop.history()
    [registered] = [each.event for each in history if isinstance(each.event, CustomerRegistered)]
    assert registered.personal
    assert registered.personal.name == NAME
    [cancelled] = [each.event for each in history if isinstance(each.event, OrderCancelled)]
    assert (cancelled.order_id, cancelled.customer_id, cancelled.reason) == (order, customer, REASON)
    await shop.check()


async def test_once_forgotten_it_reads_as_erased_and_not_as_unreadable(shop: Shop) -> None:
    customer, _ = await lived(shop)
    await shop.accept(ForgetCustomer(customer_id=customer))
    for of in (shop, shop.of_another_process()):
        found = [each.event for each in await of.history()]
        assert not [each for each in found if isinstance(each, UnreadableEvent)]
        assert [each.personal for each in found if isinstance(each, CustomerRegistered | OrderPlaced)] == [
            None,
            None,
        ]
        [cancelled] = [each for each in found if isinstance(each, OrderCancelled)]
        assert cancelled.reason is None
        assert cancelled.total.amount > 0
    await shop.check()


async def test_a_log_in_the_open_is_sealed_by_portions_and_reads_the_same_all_the_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await lived(shop)
    product = await shop.product(on_hand=3)
    await shop.accept(AdjustStock(product_id=product, change=-1, reason=REASON))
    before = await shop.history()
    await opened_up(shop)
    assert {*traces_in(await stored(shop))} != set()
    assert await shop.history() == before
    monkeypatch.setattr("app.stores.sql.keys.upkeep._OPEN", _in_portions_of(2))
    portions = upkeep(shop).seal()
    await anext(portions)
    await anext(portions)
    await portions.aclose()  # type: ignore[attr-defined]
    left = await upkeep(shop).remaining()
    assert 0 < left < len(before)
    assert await shop.history() == before, "some events are sealed, others are not"
    async for _ in upkeep(shop).seal():
        assert await shop.history() == before
    assert await upkeep(shop).remaining() == 0
    assert [*traces_in(await stored(shop))] == []
    assert "k1:" in str((await stored(shop))[-1])


def _in_portions_of(size: int) -> object:
    from app.stores.sql.keys.upkeep import _OPEN

    return _OPEN.limit(size)


async def test_a_fingerprint_is_found_again_after_it_was_keyed(shop: Shop) -> None:
    id = uuid4()
    first = await shop.accept(RegisterCustomer(name=NAME), command_id=id)
    async with shop.engines.writing.begin() as connection:
        await connection.execute(
            update(commands).values(fingerprint=fingerprint(RegisterCustomer(name=NAME)))
        )
    await upkeep(shop).start_over()
    assert await shop.accept(RegisterCustomer(name=NAME), command_id=id) == first
    async for _ in upkeep(shop).seal():
        pass
    async with shop.engines.reading.connect() as connection:
        [kept] = (await connection.execute(select(commands.c.fingerprint))).scalars().all()
    assert kept.startswith("k1:")
    assert await shop.accept(RegisterCustomer(name=NAME), command_id=id) == first
    [error] = await shop.refuse(RegisterCustomer(name="Bob"), command_id=id)
    assert error.code == "COMMAND_ID_REUSED"


async def test_who_is_forgotten_before_their_events_are_sealed_is_unknown_at_once(shop: Shop) -> None:
    customer, _ = await lived(shop)
    await opened_up(shop)
    await shop.accept(ForgetCustomer(customer_id=customer))
    assert [*traces_in([("log", str(await shop.history()).encode())])] == []
    async for _ in upkeep(shop).seal():
        pass
    assert [*traces_in(await stored(shop))] == []
    assert [*traces_in([("log", str(await shop.history()).encode())])] == []


async def test_another_process_has_no_key_of_its_own_for_who_was_forgotten(
    shop: Shop, database_url: str
) -> None:
    customer, product = await shop.customer(name=NAME), await shop.product(on_hand=3)
    order = await shop.order(customer, (product, 1))
    async with open_shop(database_url) as other:
        await other.history()  # It knows the key now.
        await shop.accept(ForgetCustomer(customer_id=customer, despite_open_orders=True))
        # It has not read yet that the customer was forgotten, and seals a reason with the key that is gone.
        await other.accept(CancelOrder(order_id=order, reason=REASON))
        for each in (other, shop):
            assert [*traces_in([("log", str(await each.history()).encode())])] == []
    assert [*traces_in(await stored(shop))] == []


async def test_keys_of_another_store_are_refused(database_url: str, tmp_path: Path) -> None:
    async with open_shop(database_url) as shop:
        await upkeep(shop).refuse_other_keys()
        await lived(shop)
    elsewhere = f"sqlite+aiosqlite:///{tmp_path}/other.db"
    async with _with_keys_of(database_url, elsewhere) as shop:
        with pytest.raises(
            UnfitStore, match=r"keys of its personal data are not in SQLite(.|\n)*seal --lost"
        ):
            await upkeep(shop).refuse_other_keys()
        await upkeep(shop).refuse_other_keys(adopt=True)
        await upkeep(shop).refuse_other_keys()
        [registered] = [e.event for e in await shop.history() if isinstance(e.event, CustomerRegistered)]
        assert registered.personal is None


@asynccontextmanager
async def _with_keys_of(database_url: str, other: str) -> AsyncIterator[Shop]:
    from app.cqrs import contexts
    from app.domain.contexts import CONTEXTS
    from app.stores.sql.write_store import SqlWriteStore

    async with open_shop(database_url) as shop, keys_of(other) as keys:
        store = SqlWriteStore(shop.engines, contexts.event_types(CONTEXTS), keys=keys)
        yield Shop(shop.engines, store, shop.bus)


async def test_an_event_that_was_sealed_with_another_key_is_unreadable_and_not_erased(shop: Shop) -> None:
    await lived(shop)
    other = uuid4()
    async with shop.engines.writing.begin() as connection:
        sealed_events = update(events).where(events.c.type == "CustomerRegistered")
        await connection.execute(sealed_events.values(event_id=other))  # A part is sealed for its own event.
    [found] = [each.event for each in await shop.history() if each.event_id == other]
    assert isinstance(found, UnreadableEvent)
    assert found.of is CustomerRegistered
    assert found.reason == "its personal data was sealed with another key, or is damaged"


def test_a_sealed_part_shows_the_names_of_its_fields_only() -> None:
    key, event = DataKey(DataKey.generated()), uuid4()
    stored = sealed(b'{"name":"Zephyrine"}', key, event)
    assert b"Zephyrine" not in stored
    assert unsealed(stored, key, event) == b'{"name":"Zephyrine"}'
    assert unsealed(stored, None, event) == b'{"name":null}'
    assert unsealed(sealed(b'{"name":"Zephyrine"}', None, event), key, event) == b'{"name":null}'
    for wrong in (DataKey(DataKey.generated()), event), (key, uuid4()):
        with pytest.raises(WrongKey):
            unsealed(stored, *wrong)


async def test_a_file_of_sqlite_keeps_no_destroyed_key(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/write.db"
    async with open_shop(url) as shop, keys_of(url) as keys:
        customers = [await shop.customer(name=NAME) for _ in range(50)]
        found = await keys.store.find(customers)
        gone = customers[::2]
        assert len(found) == len(customers)
        for customer in gone:
            await shop.accept(ForgetCustomer(customer_id=customer))
        contents = b"".join(content for _, content in files_below(tmp_path))  # The service is still open.
        assert [each for each in gone if found[each] in contents] == []
        assert all(found[each] in contents for each in customers[1::2])
    assert os.stat(beside(url)).st_mode & 0o077 == 0


async def test_keys_of_postgres_are_in_a_schema_that_a_backup_of_tables_leaves_out(postgres_url: str) -> None:
    async with open_shop(postgres_url) as shop:
        await lived(shop)
        async with shop.engines.reading.connect() as connection:
            schemas = text(
                "SELECT table_schema FROM information_schema.tables WHERE table_name = 'person_keys'"
            )
            assert (await connection.execute(schemas)).scalars().all() == ["diptych_keys"]


async def test_an_input_expires_and_its_command_is_still_carried_out_once(shop: Shop) -> None:
    old, new = uuid4(), uuid4()
    first = await shop.accept(RegisterCustomer(name=NAME), command_id=old)
    await shop.accept(RegisterCustomer(name="Bob"), command_id=new)
    before = datetime.now(UTC) - timedelta(days=30)
    async with shop.engines.writing.begin() as connection:
        row = update(commands).where(commands.c.command_id == old)
        await connection.execute(row.values(accepted_at=before - timedelta(seconds=1)))
    assert [count async for count in upkeep(shop).expire(before)] == [1]
    async with shop.engines.reading.connect() as connection:
        kept = dict((await connection.execute(select(commands.c.command_id, commands.c.fingerprint))).all())
    assert kept[old] == ""
    assert kept[new].startswith("k1:")
    assert [count async for count in upkeep(shop).expire(before)] == []
    assert await shop.accept(RegisterCustomer(name=NAME), command_id=old) == first
    assert await shop.accept(RegisterCustomer(name="Eve"), command_id=old) == first, "it is not compared"
    [error] = await shop.refuse(RegisterCustomer(name="Eve"), command_id=new)
    assert error.code == "COMMAND_ID_REUSED"
    assert len(await shop.history()) == 2
