"""A shop under way: the service, its users and subscribers, and the checks when all is over."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from random import Random
from time import monotonic
from typing import Any, TypeVar

import aiohttp

from app.stores.mongo.embedded.mongod import embedded_mongod
from tests.faults.campaign import Run
from tests.faults.checks.everything import States, check_stores, final_states
from tests.faults.checks.light import check_lightly
from tests.faults.clients import PATIENCE, Buyer, Client, Lost
from tests.faults.findings import lost, wrong
from tests.faults.journal import Acknowledged, Journal, JsonObject
from tests.faults.read_store import OwnMongod
from tests.faults.service import Service
from tests.faults.watchers import (
    CHANGES,
    ONE_ORDER,
    ONE_PRODUCT,
    ORDERS_OF,
    Item,
    Watcher,
    is_back,
    is_done_at,
)
from tests.faults.wishes import Known, Wish, register_customer

USERS = 6

CATCH_UP, LONGEST_LAG = 5.0, 90.0
"""Seconds in which the read models should have caught up, and after which nobody waits any longer."""

READ_ALL = """{ freshness { readModel state position head }
    products(first: 1) { totalCount } orders(first: 1) { totalCount } customers(first: 1) { totalCount }
    activity(first: 1) { nodes { __typename } } sales { total { orders } } order(id: "%s") { id } }"""
"""Reads all read models, and so waits for all of them."""


T = TypeVar("T")


class ServiceEnded(Exception):
    """The service has ended, or does not answer, where it should serve."""


class Shop:
    """One data folder and everything around it. Users and watchers go on while the service comes and goes."""

    def __init__(
        self, run: Run, chance: Random, journal: Journal, service: Service, http: aiohttp.ClientSession
    ) -> None:
        self.run = run
        self.chance = chance
        self.journal = journal
        self.service = service
        self.http = http
        self.known = Known()
        self.watchers: list[Watcher] = []
        self.final: Mapping[str, States] = {}
        self.write_store = ""
        self.mongod: OwnMongod | None = None
        self.read_store = ""
        """The URL of the documents, if they are neither there nor in the service's own mongod."""
        self.watcher: Callable[..., Watcher] = Watcher
        """Makes a subscriber of its name, its subscription and an id."""
        self.closing = asyncio.Event()
        self.failing: frozenset[str] = frozenset()
        """The read models that may be `FAILED`, as GraphQL names them."""
        self.finished = False
        self.may_be_cut_off = True
        """False where nobody may be refused or cut off."""
        self.anew: aiohttp.ClientSession | None = None
        """Connects anew for each request: half of the users do, if there is one."""
        self._checked = 0
        self._users: list[asyncio.Task[None]] = []
        self._watching: list[asyncio.Task[None]] = []
        self.owner = self.buyer("owner")

    def buyer(self, *name: object, http: aiohttp.ClientSession | None = None) -> Buyer:
        """A user of their own, by whose name the seed repeats what they do."""
        chance = Random(repr((self.chance.random(), *name)))
        buyer = Buyer(self.service.url, http or self.http, chance, self.run.found, self.journal, self.known)
        buyer.may_be_cut_off = self.may_be_cut_off
        return buyer

    async def open(self, users: int) -> None:
        """Starts the service, fills the shelves, lets the users in, and has the watchers watch."""
        await self.service.start()
        await self._while_it_serves(self._fill())
        customer, (product, other), order = (
            self.known.customers[0],
            self.known.products[:2],
            self.known.orders[0],
        )
        self.watchers += (
            self.watcher("changes 1", CHANGES),
            self.watcher("changes 2", CHANGES),
            self.watcher("orders of a customer", ORDERS_OF, customer),
            self.watcher("one order", ONE_ORDER, order),
            self.watcher("one product", ONE_PRODUCT, product),
            self.watcher("another product", ONE_PRODUCT, other),
        )
        self._watching = [asyncio.create_task(self._watch(watcher)) for watcher in self.watchers]
        for number in range(users):
            user = self.buyer("user", number, http=self.anew if number % 2 else None)
            self._users.append(asyncio.create_task(user.shop_on(self.closing)))
        self._users.append(asyncio.create_task(self._keep_looking()))

    async def start(self, *, dying: str = "", at: int = 1) -> None:
        """Starts the service again, and waits for the first command of the users that it acknowledges."""
        acknowledged = asyncio.create_task(self.journal.next_acknowledgement())
        await asyncio.sleep(0)  # it listens before anything can happen
        await self.service.start(dying=dying, at=at)
        with suppress(ServiceEnded) if dying else nullcontext():
            self.run.starts.append(await self._while_it_serves(acknowledged) - self.service.started_at)

    async def _while_it_serves(self, work: Coroutine[Any, Any, T] | asyncio.Task[T]) -> T:
        """The result of the work; raises `ServiceEnded` where the service ends before, or hangs."""
        working = work if isinstance(work, asyncio.Task) else asyncio.create_task(work)
        ended = asyncio.create_task(self.service.gone())
        try:
            await asyncio.wait({working, ended}, timeout=LONGEST_LAG, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise ServiceEnded(
                f"the service ended, or does not answer; last it said: {self.service.last_word()}"
            )
        finally:
            working.cancel()
            ended.cancel()
            await asyncio.gather(working, ended, return_exceptions=True)

    async def _fill(self) -> None:
        for _ in range(6):
            await self.owner.wish(self._own_product())
        for product in self.known.products:
            await self.owner.wish(Wish("receiveStock", {"productId": product, "quantity": 40}))
        for _ in range(4):
            await self.owner.wish(register_customer(self.chance, self.known))
        await self.owner.wish(_order(self.known.customers[0], self.known.products[0]))

    async def check_lightly(self) -> None:
        """Looks in passing whether all that was acknowledged by now is in the write store."""
        new = self.journal.acknowledged[self._checked :]
        self._checked += len(new)
        self.run.found(*await check_lightly(self.write_store, new))

    async def send_home(self) -> None:
        """Ends what is still under way when something has gone wrong."""
        tasks = [*self._users, *self._watching]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, watcher: Watcher) -> None:
        chance = Random(repr((self.run.seed, watcher.name)))
        await watcher.watch(self.service.url, self.http, chance, self.run.found)

    async def _keep_looking(self) -> None:
        """A reader, who never goes back in time: `Client.ask` sees to that."""
        reader = Client(self.service.url, self.http, Random(0), self.run.found)
        reader.may_be_cut_off = self.may_be_cut_off
        while not self.closing.is_set():
            try:
                answer = await reader.read(
                    "{ orders(first: 2) { nodes { position } } products { totalCount } }"
                )
                self._look_at_freshness(answer.extensions)
            except Lost:
                pass
            await asyncio.sleep(0.05)

    def _look_at_freshness(self, extensions: dict[str, Any]) -> None:
        for each in extensions.get("freshness", ()):
            if each["state"] == "FAILED" and each["readModel"] not in self.failing:
                self.run.found(wrong(f"a read model failed: {each}"))

    async def caught_up(self) -> float:
        """Waits until all read models hold all that is acknowledged by now; returns how many seconds."""
        began = monotonic()
        newest = max((entry.receipts[0] for entry in self.journal.acknowledged), key=_token)
        token, id = _token(newest), self.known.orders[0]
        while (answer := await self.owner.ask(READ_ALL % id, token=token)).codes:
            if monotonic() - began > LONGEST_LAG:
                raise TimeoutError(f"the read models do not catch up: {answer.extensions}")
        return monotonic() - began

    async def close(self) -> None:
        """Lets the users finish what they are at; the watchers stay."""
        self.closing.set()
        await self._while_it_serves(_all(self._users))

    async def finish(self) -> None:
        """Lets everybody go, stops the service when all has been seen, and checks everything."""
        self.finished = True
        await self.close()
        for watcher in self.watchers:
            await self._within_patience(watcher, is_back(watcher), "its place again")
        last = await self._last_order()
        self.run.measured("catching up in the end", await self.caught_up(), limit=CATCH_UP)
        final = self.final = {each.name: await final_states(self.owner, each) for each in self.watchers}
        for watcher in self.watchers:
            await self._within_patience(watcher, is_done_at(final[watcher.name], last), "the last state")
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        code, _ = await self.service.stop()
        if code:
            self.run.found(wrong(f"the service stopped with the exit code {code}"))
        self.run.found(*(wrong(f"a traceback in {self.service.log}: {t}") for t in self.service.tracebacks()))
        async with AsyncExitStack() as opened:
            url = self.mongod.url if self.mongod else self.read_store
            if not url:
                url = (await opened.enter_async_context(embedded_mongod(self.service.data_dir))).url
            findings = await check_stores(self.write_store, url, self.journal, self.watchers, final)
            self.run.found(*findings)

    async def _within_patience(
        self, watcher: Watcher, seen: Callable[[Sequence[Item]], bool], what: str
    ) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await watcher.until(seen)
        except TimeoutError:
            self.run.found(lost(f"{watcher.name} was not sent {what} within {PATIENCE:g} s"))

    def _own_product(self) -> Wish:
        """A product that nobody else can have added."""
        words = {"sku": f"OWN-{self.known.new_name()}", "name": "Ours", "category": "Tea"}
        return Wish("addProduct", {**words, "unitPrice": {"amount": "1.00"}})

    async def _last_order(self) -> Acknowledged:
        """An order that changes documents of every read model."""
        product = await self.owner.wish(self._own_product())
        customer = await self.owner.wish(register_customer(self.chance, self.known))
        await self.owner.wish(Wish("receiveStock", {"productId": product.subjects[0], "quantity": 1}))
        return await self.owner.wish(_order(customer.subjects[0], product.subjects[0]))


@asynccontextmanager
async def open_shop(
    run: Run,
    *,
    own_mongod: bool = False,
    users: int = USERS,
    write_store: str = "",
    program: str = "app",
    settings: Mapping[str, str] | None = None,
    held: socket.socket | None = None,
) -> AsyncIterator[Shop]:
    """An open shop in a folder of its own; it is checked when the block ends, with the service running.

    The `write_store` is the run's, unless there is an URL; `settings` go into the service's environment.
    With a listening socket that is `held`, nobody may be refused or cut off.
    """
    run.shops += 1
    folder = run.folder / f"shop-{run.shops}"
    folder.mkdir(parents=True)
    chance = run.chance("shop", run.shops)
    async with AsyncExitStack() as opened:
        environment = {"HEARTBEAT": "0.3", "READ_PATIENCE": "2", **(settings or {})}
        mongod = None
        if own_mongod:
            mongod = await opened.enter_async_context(OwnMongod(folder))
            environment["MONGODB_URL"] = mongod.url
        if write_store:
            environment["DATABASE_URL"] = write_store
        elif run.server:
            environment["DATABASE_URL"] = await run.server.database()
        service = Service(folder, environment, program, held)
        opened.push_async_callback(service.kill)
        journal = opened.enter_context(Journal(folder / "journal.jsonl"))
        connector = aiohttp.TCPConnector(limit=0)
        http = await opened.enter_async_context(aiohttp.ClientSession(connector=connector))
        shop = Shop(run, chance, journal, service, http)
        shop.write_store = environment.get("DATABASE_URL", f"sqlite+aiosqlite:///{service.data_dir}/write.db")
        shop.mongod = mongod
        if held:
            shop.may_be_cut_off = shop.owner.may_be_cut_off = False
            connecting_anew = aiohttp.TCPConnector(limit=0, force_close=True)
            shop.anew = await opened.enter_async_context(aiohttp.ClientSession(connector=connecting_anew))
        opened.push_async_callback(shop.send_home)
        await shop.open(users)
        yield shop
        if not shop.finished:
            await shop.finish()
        run.count_in(journal)


async def _all(tasks: Sequence[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks)


def _token(receipt: JsonObject) -> str:
    return receipt["token"] or ""


def _order(customer: str, product: str) -> Wish:
    return Wish("placeOrder", {"customerId": customer, "lines": [{"productId": product, "quantity": 1}]})
