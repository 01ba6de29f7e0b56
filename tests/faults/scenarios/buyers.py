"""Many buyers want what few can have."""

import asyncio
from collections import Counter

from tests.faults.campaign import Run
from tests.faults.clients import BUSY
from tests.faults.findings import doubled, lost, wrong
from tests.faults.journal import Acknowledged, Refused, Unknown
from tests.faults.registry import fault
from tests.faults.shop import Shop, open_shop
from tests.faults.wishes import Wish

BUYERS, UNITS = 1000, 100
FEW_BUYERS, FEW_UNITS = 60, 6
"""In the short form."""


@fault("buyers", rounds=50, short=2)
async def buyers(run: Run) -> None:
    """1,000 buyers at once for 100 units: exactly 100 are sold."""
    async with open_shop(run, users=0) as shop:
        while run.goes_on():
            await _sale(run, shop)
            run.done += 1


async def _sale(run: Run, shop: Shop) -> None:
    everybody, units = (FEW_BUYERS, FEW_UNITS) if run.short else (BUYERS, UNITS)
    name, price = f"wanted {run.done}", {"amount": "9.90"}
    wanted = {"sku": f"WANTED-{run.done}", "name": name, "category": "Tea", "unitPrice": price}
    product = (await shop.owner.wish(Wish("addProduct", wanted))).subjects[0]
    await shop.owner.wish(Wish("receiveStock", {"productId": product, "quantity": units}))
    customer = shop.known.customers[0]
    lines = [{"productId": product, "quantity": 1}]
    crowd = [shop.buyer(run.done, number) for number in range(everybody)]
    orders = [buyer.note(Wish("placeOrder", {"customerId": customer, "lines": lines})) for buyer in crowd]
    outcomes = await asyncio.gather(*(buyer.send(order) for buyer, order in zip(crowd, orders, strict=True)))
    sold = sum(isinstance(outcome, Acknowledged) for outcome in outcomes)
    if sold != units:
        run.found((doubled if sold > units else lost)(f"of {units} units {sold} were sold"))
    codes = Counter(outcome.codes for outcome in outcomes if isinstance(outcome, Refused))
    if codes != {("OUT_OF_STOCK",): everybody - sold}:
        run.found(wrong(f"who got nothing was told {dict(codes)}"))
    if lost_touch := sum(
        isinstance(each, Unknown) and each.why != BUSY for order in orders for each in order.outcomes
    ):
        run.found(wrong(f"{lost_touch} of {everybody} buyers got no answer at first"))
    await shop.caught_up()
