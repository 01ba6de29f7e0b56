"""The service is stopped and started while another process holds its listening socket."""

import asyncio
import socket

from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.registry import fault
from tests.faults.shop import open_shop

CLIENTS = 8
"""Half of them keep their connections, and half open one for each request."""


@fault("handover", rounds=20, short=1, stores=("sqlite",))
async def handover(run: Run) -> None:
    """The service starts again on a socket that is held, as by systemd: nobody is refused or cut off."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as held:
        async with open_shop(run, users=CLIENTS, held=held) as shop:
            while run.goes_on():
                await asyncio.sleep(run.chance(run.done).uniform(0, 1))
                shop.journal.longest_wait = 0.0
                code, seconds = await shop.service.stop()
                run.measured("SIGTERM to the end", seconds)
                if code:
                    run.found(wrong(f"the service stopped with the exit code {code}"))
                await shop.start()
                await shop.check_lightly()
                run.measured("longest wait of a command", shop.journal.longest_wait)
                run.done += 1
