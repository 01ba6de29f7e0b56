"""The checks bite: a healthy run's stores and records are falsified in every way, and each is found."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient
from sqlalchemy import Executable, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.cqrs.documents.read_model import Document
from app.domain.customers.events import CustomerClosed, CustomerRegistered, CustomerUpdated
from app.domain.orders.tables import orders
from app.domain.stock.tables import stocks
from app.read_models.product_listing import product_listing
from app.stores.sql.engines.opening import open_database
from app.stores.sql.transactions import commands, events
from tests.faults.campaign import Run
from tests.faults.checks.books import open_books
from tests.faults.checks.documents import LIVE
from tests.faults.checks.everything import check_stores
from tests.faults.checks.light import check_lightly
from tests.faults.journal import Journal, Refused
from tests.faults.shop import Shop, open_shop
from tests.faults.watchers import CHANGES, Item, Watcher
from tests.read_models.shop import DETAILS, History

pytestmark = pytest.mark.campaign

COMMANDS = 60

Falsify = Callable[[AsyncConnection], Awaitable[None]]


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop that has closed after a good day: nothing was found."""
    folder = tmp_path_factory.mktemp("shop", numbered=True)
    run = Run(fault="none", store="sqlite", seed=1, rounds=1, short=True, folder=folder)
    async with open_shop(run, own_mongod=True) as shop:
        while len(shop.journal.acknowledged) < COMMANDS:
            await shop.journal.next_acknowledgement()
        await shop.finish()
        assert run.findings == []
        yield shop


async def found(shop: Shop, **falsified: Any) -> str:
    """What the checks say, in one text."""
    what = {"write_store": shop.write_store, "journal": shop.journal, "watchers": shop.watchers, **falsified}
    assert shop.mongod
    findings = await check_stores(mongo=shop.mongod.url, final=shop.final, **what)
    return "\n".join(map(str, findings))


SOME = (
    select(commands.c.command_id).where(commands.c.receipt.like("%OrderPlaced%")).limit(1).scalar_subquery()
)
"""A command that placed an order."""

OPEN = select(orders.c.id).where(orders.c.status == "PLACED").limit(1).scalar_subquery()


async def double_an_event(connection: AsyncConnection) -> None:
    last = select(events).where(events.c.type == "StockReceived").order_by(events.c.position.desc()).limit(1)
    event = (await connection.execute(last)).one()._asdict()
    version = select(func.max(events.c.stream_version)).where(events.c.stream == event["stream"])
    head = select(func.max(events.c.position))
    again = {
        "event_id": uuid4(),
        "position": (await connection.execute(head)).scalar_one() + 1,
        "stream_version": (await connection.execute(version)).scalar_one() + 1,
    }
    await connection.execute(events.insert(), {**event, **again})


async def exchange_two_receipts(connection: AsyncConnection) -> None:
    both = select(commands.c.command_id, commands.c.receipt).limit(2)
    (first, its), (second, others) = (await connection.execute(both)).all()
    for id, receipt in ((first, others), (second, its)):
        await connection.execute(update(commands).where(commands.c.command_id == id).values(receipt=receipt))


def execute(statement: Executable) -> Falsify:
    async def falsify(connection: AsyncConnection) -> None:
        await connection.execute(statement)

    return falsify


LAST = select(func.max(events.c.position)).scalar_subquery()

FALSIFIED: dict[str, tuple[Falsify, list[str]]] = {
    "a mark is removed": (
        execute(delete(commands).where(commands.c.command_id == SOME)),
        ["lost: placeOrder", "was acknowledged, and is not in the store", "events and no mark"],
    ),
    "an event is doubled": (double_an_event, ["doubled: of the command", " differs in "]),
    "an event is removed": (
        execute(delete(events).where(events.c.position == LAST)),
        ["lost: of the command", "are not in the log"],
    ),
    "an event in the middle is removed": (
        execute(delete(events).where(events.c.position == 3)),
        ["lost: of the command", "have gaps or doubles; missing: [3]"],
    ),
    "a stream has a gap": (
        execute(update(events).where(events.c.position == LAST).values(stream_version=99)),
        ["wrong: the versions of"],
    ),
    "an event is of nobody's command": (
        execute(update(events).where(events.c.position == LAST).values(command_id=uuid4())),
        ["left 1 events and no mark", "are not in the log"],
    ),
    "receipts are exchanged": (exchange_two_receipts, ["was acknowledged with another receipt"]),
    "a row is changed": (
        execute(update(stocks).values(on_hand=stocks.c.on_hand + 1)),
        [" differs in on_hand"],
    ),
    "a row is removed": (
        execute(delete(stocks)),
        ["has events and no row", "0 reserved, and open orders need"],
    ),
    "a reservation is forgotten": (
        execute(update(orders).where(orders.c.id == OPEN).values(status="CANCELLED")),
        ["reserved, and open orders need"],
    ),
}


@pytest.mark.parametrize("what", FALSIFIED)
async def test_finds_a_falsified_write_store(shop: Shop, what: str, tmp_path: Path) -> None:
    falsify, expected = FALSIFIED[what]
    copy = shutil.copy(shop.service.data_dir / "write.db", tmp_path)
    url = f"sqlite+aiosqlite:///{copy}"
    async with open_database(url) as engines, engines.writing.connect() as connection:
        await falsify(connection)
        await connection.commit()
    said = await found(shop, write_store=url)
    assert [text for text in expected if text not in said] == [], said


async def test_finds_a_lost_mark_and_a_gap_in_passing(shop: Shop, tmp_path: Path) -> None:
    copy = shutil.copy(shop.service.data_dir / "write.db", tmp_path)
    url = f"sqlite+aiosqlite:///{copy}"
    assert await check_lightly(url, shop.journal.acknowledged) == []
    async with open_database(url) as engines, engines.writing.connect() as connection:
        await connection.execute(delete(commands).where(commands.c.command_id == SOME))
        await connection.execute(delete(events).where(events.c.position == 3))
        await connection.commit()
    missing, gap = map(str, await check_lightly(url, shop.journal.acknowledged))
    assert "was acknowledged, and is not there" in missing
    assert "the log has" in gap


async def change_a_byte(products: Any, document: Document) -> None:
    await products.update_one({"_id": document["_id"]}, {"$set": {"name": document["name"][:-1] + "!"}})


async def lose_it(products: Any, document: Document) -> None:
    await products.delete_one({"_id": document["_id"]})


async def invent_one(products: Any, document: Document) -> None:
    await products.insert_one({**document, "_id": "invented"})


@pytest.mark.parametrize(
    ("falsify", "expected"),
    [
        (change_a_byte, "and after a rebuild"),
        (lose_it, "is missing"),
        (invent_one, "would not be there after a rebuild"),
    ],
)
async def test_finds_a_falsified_document(shop: Shop, falsify: Any, expected: str) -> None:
    assert shop.mongod
    async with AsyncMongoClient[Document](shop.mongod.url) as client:
        products = client[LIVE][product_listing.collections[0].stored_as]
        document = await products.find_one({})
        assert document
        await falsify(products, document)
        said = await found(shop)
        await products.delete_one({"_id": "invented"})
        await products.replace_one({"_id": document["_id"]}, document, upsert=True)
    assert expected in said
    assert await found(shop) == ""


@pytest.mark.parametrize("in_a_transaction", [True, False])
async def test_finds_a_checkpoint_that_was_moved_back(shop: Shop, in_a_transaction: bool) -> None:
    assert shop.mongod
    async with AsyncMongoClient[Document](shop.mongod.url) as client, client.start_session() as session:
        checkpoints = client[LIVE]["checkpoints"]
        key = {"_id": product_listing.key}
        if in_a_transaction:
            async with await session.start_transaction():
                await checkpoints.update_one(key, {"$inc": {"position": -1}}, session=session)
                await client[LIVE]["others"].insert_one({"_id": str(uuid4())}, session=session)
        else:
            await checkpoints.update_one(key, {"$inc": {"position": -1}})
        said = await found(shop)
        assert f"the checkpoint of {product_listing.key} went from" in said
        assert f"the checkpoint of {product_listing.key} ends at" in said


def remembered(journal: Journal) -> Journal:
    """A journal whose entries can be falsified."""
    copy = object.__new__(Journal)
    copy.entries, copy.others = deepcopy(journal.entries), {*journal.others}
    return copy


async def test_finds_an_effect_of_what_was_refused(shop: Shop) -> None:
    journal = remembered(shop.journal)
    entry = next(entry for entry in journal.entries.values() if entry.receipts)
    entry.outcomes[:] = [Refused(("OUT_OF_STOCK",))]
    assert "was refused, and took effect" in await found(shop, journal=journal)


async def test_finds_a_command_that_nobody_sent(shop: Shop) -> None:
    journal = remembered(shop.journal)
    journal.entries.popitem()
    del journal.entries[next(id for id, entry in journal.entries.items() if entry.receipts)]
    assert "nobody sent the command" in await found(shop, journal=journal)


async def test_finds_a_refusal_of_ones_own_id(shop: Shop) -> None:
    journal = remembered(shop.journal)
    next(iter(journal.entries.values())).outcomes.append(Refused(("COMMAND_ID_REUSED",)))
    assert "was refused because of its own id" in await found(shop, journal=journal)


def drop_one(items: list[Item]) -> None:
    changes = [number for number, item in enumerate(items) if item["__typename"] == "DocumentChanged"]
    del items[changes[len(changes) // 2]]


def repeat_one(items: list[Item]) -> None:
    last = [number for number, item in enumerate(items) if item["__typename"] == "DocumentChanged"][-1]
    items.insert(last, items[last])


def go_back(items: list[Item]) -> None:
    items.append({"__typename": "Heartbeat", "cursor": items[0]["cursor"]})


def invent(items: list[Item]) -> None:
    last = next(item for item in reversed(items) if item["__typename"] == "DocumentChanged")
    items.append({**last, "position": "999999"})


@pytest.mark.parametrize(
    ("falsify", "expected"),
    [
        (drop_one, "was never told of"),
        (repeat_one, "was told twice of"),
        (go_back, "a cursor went back"),
        (invent, "which never happened"),
    ],
)
async def test_finds_falsified_notices(
    shop: Shop, falsify: Callable[[list[Item]], None], expected: str
) -> None:
    watcher = watched(shop, CHANGES)
    falsify(watcher.items)
    assert expected in await found(shop, watchers=[watcher])


async def test_only_events_whose_personal_data_is_gone_may_have_changed_more_than_their_replay(
    shop: Shop,
) -> None:
    id = uuid4()
    log = History().record(
        CustomerRegistered(customer_id=id, personal=DETAILS),
        CustomerUpdated(customer_id=id, personal=None),
        CustomerClosed(customer_id=id),
    )
    books = replace(await open_books(shop.write_store), log=log)
    assert books.erased == {2}


async def test_finds_a_state_that_a_subscriber_missed(shop: Shop) -> None:
    watcher = next(deepcopy_of(each) for each in shop.watchers if len(each.items) > 1 and each.id)
    again = deepcopy_of(watcher)
    last = watcher.items.pop()
    assert "lost: " in await found(shop, watchers=[watcher])
    again.items.append(last)
    assert "doubled: " in await found(shop, watchers=[again])
    watcher.items += [last, watcher.items[0]]
    assert "wrong: " in await found(shop, watchers=[watcher])


def watched(shop: Shop, query: str) -> Watcher:
    return next(deepcopy_of(watcher) for watcher in shop.watchers if watcher.query is query)


def deepcopy_of(watcher: Watcher) -> Watcher:
    """A subscriber whose memory can be falsified."""
    return Watcher(watcher.name, watcher.query, watcher.id, deepcopy(watcher.items))
