"""The same command is sent several times at once."""

import asyncio
from random import Random

from tests.faults.campaign import Run
from tests.faults.clients import Buyer
from tests.faults.findings import doubled, wrong
from tests.faults.journal import Entry, Refused, Unknown
from tests.faults.registry import fault
from tests.faults.shop import Shop, open_shop
from tests.faults.wishes import Known, Wish

GROUPS = 5
"""So many commands are sent at a time, each of them 2 to 10 times."""


@fault("same-command", rounds=200, short=3)
async def same_command(run: Run) -> None:
    """The same command 2 to 10 times at once, also across a kill: one effect, one receipt."""
    async with open_shop(run) as shop:
        while run.goes_on():
            chance = run.chance(run.done)
            groups = [asyncio.create_task(_group(run, shop, number)) for number in range(GROUPS)]
            if chance.random() < 0.5:
                await _kill_in_between(shop, chance)
            await asyncio.gather(*groups)
            run.done += 1


async def _kill_in_between(shop: Shop, chance: Random) -> None:
    await asyncio.sleep(chance.uniform(0, 0.2))
    await shop.service.kill()
    await shop.start()


async def _group(run: Run, shop: Shop, number: int) -> None:
    """A product, its stock, and an order for all of it: nobody else touches them."""
    buyer = shop.buyer(run.done, number)
    buyer.known = Known()
    name = f"{run.done}-{number}"
    price = {"amount": "1.00"}
    made = await _at_once(
        run, buyer, Wish("addProduct", {"sku": name, "name": name, "category": "Tea", "unitPrice": price})
    )
    product = made.receipts[0]["events"][0]["subject"]
    await _at_once(run, buyer, Wish("receiveStock", {"productId": product, "quantity": 3}))
    lines = [{"productId": product, "quantity": 2}]  # a second time there would be too little
    customer = await buyer.wish(Wish("registerCustomer", {"name": name}))
    await _at_once(run, buyer, Wish("placeOrder", {"customerId": customer.subjects[0], "lines": lines}))


async def _at_once(run: Run, buyer: Buyer, wish: Wish) -> Entry:
    entry = buyer.note(wish, at_once=True)
    copies = buyer.chance.randint(2, 10)
    await asyncio.gather(*(buyer.send(entry) for _ in range(copies)))
    answers = [outcome for outcome in entry.outcomes if not isinstance(outcome, Unknown)]
    if refused := [outcome for outcome in answers if isinstance(outcome, Refused)]:
        run.found(wrong(f"{wish.mutation} {entry.id}, which nothing stands against, was refused: {refused}"))
    if any(receipt != entry.receipts[0] for receipt in entry.receipts):
        run.found(doubled(f"{wish.mutation} {entry.id} got different receipts: {entry.receipts}"))
    return entry
