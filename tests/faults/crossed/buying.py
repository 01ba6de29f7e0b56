"""Both customers buy and change what they have told of themselves, at a fixed pace."""

import asyncio
from collections import Counter
from random import Random
from time import monotonic
from typing import Any

from tests.faults.clients import BUSY
from tests.faults.crossed.askers import QUANTITIES
from tests.faults.crossed.questions import Known
from tests.schema.client import Client
from tests.viewing.roles import CUSTOMERS, STAFF, Books

PACE = 50
"""Commands a second."""

MOST_WAITING = 20
"""Commands that may wait for their answers; while so many do, on a busy machine, no other is sent."""

PAYLOAD = "receipt { events { type subject } } errors { code }"


class Buying:
    """The commands of both customers and of staff."""

    def __init__(self, books: Books, known: Known, chance: Random) -> None:
        self._books, self._known, self._chance = books, known, chance
        self._clients = {name: Client(books.url, books.http[name]) for name in (*CUSTOMERS, STAFF)}
        self._open = {name: [*known.orders[name]][1:] for name in CUSTOMERS}
        """Orders that nobody has cancelled or paid."""
        self._waiting = 0
        self.counts: Counter[str] = Counter()

    async def go_on(self) -> None:
        """Send commands until it is cancelled."""
        began, number = monotonic(), 0
        async with asyncio.TaskGroup() as sent:
            while True:
                number += 1
                await asyncio.sleep(max(0.0, began + number / PACE - monotonic()))
                if self._waiting < MOST_WAITING:
                    sent.create_task(self._command(self._chance.choice(CUSTOMERS), self._chance.random()))

    async def _command(self, name: str, share: float) -> None:
        own = self._books.of[name]
        if share < 0.04:
            lines = [{"productId": self._books.products[0], "quantity": QUANTITIES[name]}]
            placed = await self._send(name, "placeOrder", customerId=own.customer, lines=lines)
            for event in placed:
                if event["type"] == "OrderPlaced":
                    self._known.learn(self._known.orders[name], event["subject"])
                    self._open[name].append(event["subject"])
        elif share < 0.08 and self._open[name]:
            order = self._open[name].pop(self._chance.randrange(len(self._open[name])))
            if share < 0.06:
                await self._send(name, "cancelOrder", orderId=order)
            else:
                await self._send(STAFF, "payOrder", orderId=order)
        elif share < 0.085:  # which changes all of their orders
            await self._send(
                name, "updateCustomer", customerId=own.customer, company=f"{own.words[5]} {share}"
            )
        else:
            await self._send(name, "updateCustomer", customerId=own.customer, phone=f"{own.words[2]} {share}")

    async def _send(self, role: str, mutation: str, **input: Any) -> list[dict[str, Any]]:
        type_name = mutation[0].upper() + mutation[1:]
        text = f"mutation ($input: {type_name}Input!) {{ sent: {mutation}(input: $input) {{ {PAYLOAD} }} }}"
        self._waiting += 1
        try:
            answer = await self._clients[role].send(text, {"input": input})
        finally:
            self._waiting -= 1
        if answer.codes == [BUSY]:
            self.counts["not begun"] += 1
            return []
        payload = answer.data["sent"]
        self.counts["refused" if payload["errors"] else "accepted"] += 1
        events: list[dict[str, Any]] = payload["receipt"]["events"]
        return events
