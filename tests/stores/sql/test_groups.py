"""Commands in one transaction: few statements for all of them, and each sees and undoes what it should."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Result, event
from uuid_utils.compat import uuid7

from app.cqrs.commands.outcomes import Receipt, Refused
from app.cqrs.messages import Command
from app.domain.catalog import tables as catalog
from app.domain.catalog.commands import AddProduct
from app.domain.catalog.model import Product
from app.domain.stock.commands import ReceiveStock
from app.stores.sql.engines.sqlite_statements import Prepared
from app.values import Money, Sku
from tests.domain.shop import HANDLERS, Shop, cause, open_shop
from tests.domain.wanted import order, product


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


@contextmanager
def statements(shop: Shop) -> Iterator[list[str]]:
    """Yield the statements that are sent in the block: the verb and the first table."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        words = statement.replace('"', "").replace(")", " ").split()
        tables = [word for before, word in pairwise(words) if before in _BEFORE_TABLES]
        sent.append(" ".join([words[0], *tables[:1]]))

    def noted(statement: Prepared, *arguments: Any) -> Result[Any]:
        note(None, None, statement.sql)
        return execute(statement, *arguments)

    execute = Prepared.execute  # SQLite executes most statements without SQLAlchemy.
    event.listen(shop.engines.writing.sync_engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Prepared, "execute", noted)
            yield sent
    finally:
        event.remove(shop.engines.writing.sync_engine, "before_cursor_execute", note)


PRICE = Money(amount=Decimal(1))
_BEFORE_TABLES = {"FROM", "INTO", "UPDATE", "SAVEPOINT"}


async def carry_out(shop: Shop, commands: Sequence[Command]) -> list[Receipt | Refused]:
    """Carry out commands in one group, as the lane does."""
    outcomes: list[Receipt | Refused] = []
    async with shop.store.begin_group() as group:
        causes = [cause() for _ in commands]
        await group.expect([(each.key, command) for each, command in zip(causes, commands, strict=True)])
        for each, command in zip(causes, commands, strict=True):
            work = await group.begin(each)
            assert await work.earlier(each.key) is None
            outcome = await HANDLERS[type(command)](command, work)
            if isinstance(outcome, Refused):
                await group.undo()
                outcomes.append(outcome)
            else:
                group.accept(work, "")
        receipts = await group.commit()
    return [*receipts, *outcomes]


async def test_a_group_reads_and_writes_each_table_once_for_all_its_commands(shop: Shop) -> None:
    buyers = [await shop.customer(), await shop.customer(name="Bea")]
    teas = [await shop.product(on_hand=9) for _ in range(6)]
    orders = [order(buyers[n % 2], (tea, 1)) for n, tea in enumerate(teas)]
    await carry_out(shop, orders[:1])  # Which tables such a command claims is known after the first.
    with statements(shop) as sent:
        await carry_out(shop, orders)
    sent.remove("SELECT (SELECT")  # the end of the log
    assert sent == [
        *("SELECT commands", "SELECT customers", "SELECT products", "SELECT stocks"),
        *("INSERT orders", "INSERT order_lines", "UPDATE stocks", "INSERT events", "INSERT commands"),
    ]
    await shop.check()


async def test_a_command_sees_what_those_before_it_have_changed(shop: Shop) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=5)
    commands: list[Command] = [
        order(ada, (chai, 3)),
        order(ada, (chai, 3)),
        ReceiveStock(product_id=chai, quantity=1),
        order(ada, (chai, 3)),
    ]
    for accepted in (3, 1):
        outcomes = await carry_out(shop, commands)
        assert [type(each) for each in outcomes].count(Receipt) == accepted
        await shop.check()
    same = [product(sku="SAME"), product(sku="SAME")]
    assert [type(each) for each in await carry_out(shop, same)] == [Receipt, Refused]


async def test_a_command_that_has_read_its_own_writes_is_undone_like_any_other(shop: Shop) -> None:
    kept, undone = uuid7(), uuid7()
    tea: dict[str, Any] = {
        "version": 1,
        "category": "",
        "description": "",
        "packaging": "",
        "discontinued": False,
    }
    async with shop.store.begin_group() as group:
        for id in (kept, undone):
            work = await group.begin(cause())
            sku = Sku(str(id)[-12:])
            await catalog.save(work, None, Product(id=id, sku=sku, name="Tea", unit_price=PRICE, **tea))
            assert await catalog.with_sku(work, sku) == id
            assert await catalog.load(work, id)
            if id == kept:
                group.accept(work, "")
        await group.undo()
        again = await group.begin(cause())
        assert await catalog.load(again, kept)
        assert await catalog.load(again, undone) is None
        await group.commit()
    assert await shop.load("product", kept)
    assert await shop.load("product", undone) is None


async def test_rows_are_claimed_again_after_an_undo_that_has_released_their_locks(shop: Shop) -> None:
    chai = await shop.product(on_hand=1)
    async with shop.store.begin_group() as group:
        work = await group.begin(cause())
        await HANDLERS[AddProduct](product(sku="NEW"), work)
        assert await catalog.with_sku(work, Sku("NEW"))
        assert await catalog.load(work, chai)
        await group.undo()
        with statements(shop) as sent:
            for _ in range(2):
                assert await catalog.load(await group.begin(cause()), chai)
    assert sent == ["SELECT products"]


async def test_a_command_of_a_group_is_not_committed_without_it(shop: Shop) -> None:
    async with shop.store.begin_group() as group:
        work = await group.begin(cause())
        with pytest.raises(TypeError, match="committed with the group"):
            await work.rows.commit()
