"""The command that fills the write store with a demo shop."""

import asyncio
from typing import Annotated

import typer

from app.command_line.interrupts.loading import loading
from app.command_line.interrupts.telling import interruptible
from app.command_line.terminal import FAILED, DataDir, console, explained, progress, settings_of

DEMO_INTERRUPTED = (
    "The demo was interrupted. Repeat it with the same options: what exists already is not added again."
)


def demo(
    products: Annotated[int, typer.Option(min=1, max=100_000, help="Number of products.")] = 48,
    customers: Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of customers.")] = 40,
    orders: Annotated[int, typer.Option(min=0, max=1_000_000, help="Number of orders.")] = 160,
    seed: Annotated[int, typer.Option(min=0, max=999_999, help="Seed of the random shop.")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Fill the write store with an invented shop. The service may be running or stopped.

    The same seed makes the same shop, and what exists already is not added again.
    """
    settings = settings_of(data_dir=data_dir)

    with loading():
        from app.cqrs.commands.write_store import Conflict
        from app.cqrs.unavailable import WriteStoreUnavailable
        from app.demo.filling import DemoRefused, fill
        from app.demo.plan import Shop
        from app.halves.commanding import open_write_side

    async def fill_store() -> None:
        shop = Shop(products=products, customers=customers, orders=orders, seed=seed)
        async with open_write_side(settings) as write_side:
            before = await write_side.log.head()
            with progress("Filling", len(shop.plan)) as advance:
                await fill(shop, write_side.commands, advance)
            added = await write_side.log.head() - before
        outcome = f"{added} events added." if added else "All of it existed already: no events added."
        console.print(f"{products} products, {customers} customers, {orders} orders. {outcome}")

    expected = (Conflict, DemoRefused, WriteStoreUnavailable)
    with interruptible(DEMO_INTERRUPTED), explained(*expected, exit_code=FAILED):
        asyncio.run(fill_store())
