"""Sixteen who buy one product without a pause, and those who change what the orders rely on."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from random import Random
from time import monotonic

from app.cqrs.commands.outcomes import Receipt
from app.cqrs.commands.write_store import Conflict
from app.cqrs.messages import Command
from app.cqrs.unavailable import WriteStoreUnavailable
from app.cqrs.viewers import OPEN
from app.domain.catalog.commands import ChangePrice, UpdateProduct
from app.domain.customers.commands import UpdateCustomer
from app.domain.stock.commands import ReceiveStock
from tests.domain.shop import Shop, open_shop
from tests.domain.wanted import order
from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.registry import fault

BUYERS, UNITS = 16, 1_000_000
SECONDS, SHORTLY = 10.0, 2.0
"""Of a round, in a campaign and in the short form."""

LIMIT = 5.0
"""Seconds in which everybody has had a turn, on a machine that has much else to do."""

PAUSE = 0.05
"""Seconds between two changes, at most."""


@fault("turns", rounds=6, short=1)
async def turns(run: Run) -> None:
    """16 buyers of one product without a pause: whoever changes what they rely on gets a turn."""
    url = await run.server.database() if run.server else f"sqlite+aiosqlite:///{run.folder / 'turns.db'}"
    async with open_shop(url) as shop:
        chai, ada = await shop.product(on_hand=UNITS), await shop.customer()
        wishes: dict[str, Callable[[Random], Command]] = {
            "another price": lambda chance: ChangePrice(product_id=chai, unit_price=_price(chance)),
            "another text": lambda chance: UpdateProduct(product_id=chai, description=str(chance.random())),
            "a delivery": lambda chance: ReceiveStock(product_id=chai, quantity=chance.randint(1, 9)),
            "another name": lambda chance: UpdateCustomer(customer_id=ada, name=str(chance.random())),
        }
        while run.goes_on():
            end = monotonic() + (SHORTLY if run.short else SECONDS)
            buyers = (
                _act(run, shop, "an order", lambda _: order(ada, (chai, 1)), run.chance(run.done, buyer), end)
                for buyer in range(BUYERS)
            )
            changing = (
                _act(run, shop, name, wish, run.chance(run.done, name), end, pause=PAUSE)
                for name, wish in wishes.items()
            )
            await asyncio.gather(*buyers, *changing)
            run.done += 1
        await shop.check()


async def _act(
    run: Run,
    shop: Shop,
    name: str,
    wish: Callable[[Random], Command],
    chance: Random,
    end: float,
    *,
    pause: float = 0.0,
) -> None:
    """Send one command after another until the end; each is to be accepted in time."""
    turns = 0
    while (began := monotonic()) < end:
        run.sent += 1
        run.commands += 1
        try:
            outcome = await shop.bus.execute(wish(chance), viewer=OPEN)
        except (Conflict, WriteStoreUnavailable) as failure:
            run.found(wrong(f"{name} got no turn in {monotonic() - began:.1f} s: {failure}"))
            return
        if not isinstance(outcome, Receipt):
            run.found(wrong(f"{name} was refused: {outcome}"))
            return
        run.acknowledged += 1
        run.measured(name, monotonic() - began, limit=LIMIT)
        turns += monotonic() < end
        await asyncio.sleep(chance.uniform(0, pause))
    if not turns:
        run.found(wrong(f"{name} got no turn while all the others went on"))


def _price(chance: Random) -> Decimal:
    return Decimal(chance.randint(1, 9_999)) / 100
