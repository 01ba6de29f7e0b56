"""How long a change takes from its receipt to the lists that show it, with many subscribers to many lists.

`python -m tests.lists.load` starts a service, and measures a single subscriber beside the crowd in the same
run. Times of one run on a shared machine are noise; the ratio of the two says more.
"""

import argparse
import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import orjson

from app.cqrs.reading.pages import PAGE
from tests.crowd.subscribers import Crowd, Subscriber, subscribing
from tests.lists.commands import CATEGORIES, Commands
from tests.lists.socket import Socket, socket_to
from tests.service import running

LIST = """cursor hasNextPage edges { cursor node { %s } }
    changes { kind index previousIndex edge { node { %s } } }"""
ORDER = "id orderId status version customerName placedAt total { amount }"
PRODUCT = "id name available version stockVersion price { amount }"
ORDERS = f"""subscription ($filter: OrderFilter, $orderBy: OrderSort) {{
    ordersUpdated(filter: $filter, orderBy: $orderBy) {{ {LIST % (ORDER, ORDER)} }} }}"""
PRODUCTS = f"""subscription ($filter: ProductFilter, $orderBy: ProductSort) {{
    productsUpdated(filter: $filter, orderBy: $orderBy) {{ {LIST % (PRODUCT, PRODUCT)} }} }}"""


def lists(commands: Commands, count: int) -> Sequence[list[str]]:
    """What people look at: most at one customer's orders, some at the desk's lists, some at products."""
    chance, categories = commands.random, [f"{each} {commands.name}" for each in CATEGORIES]
    found: list[tuple[str, dict[str, Any]]] = []
    for number in range(count):
        limit = f"{10 + number}"
        match number % 10:
            case 0:
                found.append((ORDERS, {"filter": {"status": ["PLACED"], "totalTo": limit}}))
            case 1:
                found.append((ORDERS, {"filter": {"status": ["PAID"], "totalFrom": limit}}))
            case 2 | 3:
                found.append(
                    (PRODUCTS, {"filter": {"categories": [categories[number % 3]], "priceTo": limit}})
                )
            case _:
                customer = commands.customers[number % len(commands.customers)]
                order = {"field": chance.choice(["PLACED_AT", "TOTAL"]), "direction": "DESC"}
                found.append(
                    (ORDERS, {"filter": {"customerId": customer, "totalTo": limit}, "orderBy": order})
                )
    return [subscribing(query, **variables) for query, variables in found]


@dataclass
class Watch:
    """When each version of an order or product was first shown to each subscriber."""

    shown: defaultdict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    messages: int = 0
    size: int = 0
    _last: bytes = b""
    """The newest message; subscribers to the same list receive the same bytes, which are parsed once."""
    _shown_by_last: Sequence[tuple[str, int]] = ()

    def received(self, message: bytes) -> None:
        now = perf_counter()
        self.messages += 1
        self.size += len(message)
        if message != self._last:
            self._last, self._shown_by_last = message, [*shown_by(message)]
        for key in self._shown_by_last:
            self.shown[key].append(now)


def shown_by(message: bytes) -> Iterator[tuple[str, int]]:
    """Yield the orders and versions that a message shows for the first time."""
    [update] = orjson.loads(message)["payload"]["data"].values()
    pulled_up = set(pulled_up_in(update["changes"]))
    for change in update["changes"]:
        if change["index"] in pulled_up or not change["edge"]:
            continue
        if "orderId" in (node := change["edge"]["node"]):
            yield node["orderId"], node["version"]


def pulled_up_in(changes: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    """Yield the places at the end of a full list that were filled because others left it.

    The orders there may have been changed long ago: their receipts have nothing to do with this update.
    """
    entered = {each["index"] for each in changes if each["kind"] == "ENTERED"}
    left, last = sum(each["kind"] == "LEFT" for each in changes), PAGE - 1
    while left and last in entered:
        yield last
        left, last = left - 1, last - 1


async def follow(url: str, every: Sequence[list[str]], subscribers: int, watch: Watch) -> Crowd:
    """Have so many subscribers follow the lists, each list as many of them."""
    crowd = Crowd(url.replace("http", "ws", 1) + "/graphql")
    host, _, port = url.removeprefix("http://").partition(":")
    for number in range(subscribers):
        member = Subscriber(crowd.url, every[number % len(every)], watch.received)
        await asyncio.get_running_loop().create_connection(lambda member=member: member, host, int(port))  # type: ignore[misc]
        crowd.members.append(member)
    async with asyncio.timeout(120):
        while watch.messages < subscribers:  # noqa: ASYNC110 - protocols have no other way to tell
            await asyncio.sleep(0.05)
    return crowd


async def command_at(
    socket: Socket, commands: Commands, rate: float, seconds: float
) -> dict[tuple[str, int], float]:
    """Send so many commands a second; return when each receipt arrived, by order and version."""
    receipts: dict[tuple[str, int], float] = {}
    versions: dict[str, int] = {}
    chance, sending = commands.random, set[asyncio.Task[None]]()

    async def send() -> None:
        input: dict[str, Any]
        fitting = [id for id, version in versions.items() if version == 1]
        if fitting and chance.random() < 0.5:
            order = chance.choice(fitting)
            versions[order] = 2
            name, input = "payOrder", {"orderId": order}
        else:
            lines = [{"productId": chance.choice(commands.products), "quantity": 1}]
            name, input = "placeOrder", {"customerId": chance.choice(commands.customers), "lines": lines}
        kind = f"{name[0].upper()}{name[1:]}Input"
        query = f"""mutation ($input: {kind}!) {{ {name}(input: $input) {{
            receipt {{ events {{ type subject }} }} }} }}"""
        result = await (await socket.begin(query, {"input": input})).payloads.get()
        now = perf_counter()
        if result is None or "errors" in result:  # the write store is busy: the rate is more than it takes
            return
        payload = result["data"][name]
        for event in payload["receipt"]["events"]:
            if event["type"] in ("OrderPlaced", "OrderPaid"):
                version = versions.setdefault(event["subject"], 1)
                receipts[event["subject"], version] = now

    began, sent = perf_counter(), 0
    while (passed := perf_counter() - began) < seconds:
        while sent < passed * rate:
            sent += 1
            task = asyncio.create_task(send())
            sending.add(task)
            task.add_done_callback(sending.discard)
        await asyncio.sleep(1 / rate)
    await asyncio.gather(*sending)
    return receipts


def figures(times: Sequence[float]) -> str:
    """The times in milliseconds."""
    p99 = quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    return f"p50 {median(times) * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, longest {max(times) * 1000:.0f} ms"


async def measure(url: str, *, subscribers: int, count: int, rate: float, seconds: float) -> None:
    """Print how long changes take to be shown to a crowd, and to one subscriber to one list."""
    async with socket_to(url) as socket:
        commands = Commands(socket, Random(1), "L")
        await commands.fill()
        every = lists(commands, count)
        for name, crowded in (
            ("a single subscriber", 1),
            (f"{subscribers} subscribers to {count} lists", subscribers),
        ):
            watch = Watch()
            crowd = await follow(url, every if crowded > 1 else [subscribing(ORDERS)], crowded, watch)
            receipts = await command_at(socket, commands, rate, seconds)
            await asyncio.sleep(1)
            times = [
                at - receipts[key] for key, each in watch.shown.items() if key in receipts for at in each
            ]
            crowd.leave()
            print(
                f"{name}, {len(receipts) / seconds:.0f} commands a second: {len(times)} changes shown in "
                f"{watch.messages} messages, {watch.size / 1e6:.1f} MB; from receipt to shown "
                f"{figures(times)}",
                flush=True,
            )


async def _run(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), "--no-demo") as service:
            await measure(
                service.url,
                subscribers=arguments.subscribers,
                count=arguments.lists,
                rate=arguments.rate,
                seconds=arguments.seconds,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.lists.load", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--lists", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50, help="commands a second")
    parser.add_argument("--seconds", type=float, default=20)
    asyncio.run(_run(parser.parse_args()))
