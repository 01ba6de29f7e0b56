"""The service that is attacked, filled with a demo shop, and what every answer of it must be."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from time import monotonic
from typing import Any

import aiohttp
import orjson

from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.service import Service

PATIENCE = 60.0
"""Seconds after which an answer that has not come counts as a hang, on a machine that has much else to do."""

UNTIL_READY = 300.0
"""Seconds until the read models have all of the demo shop, on such a machine."""

MOST_FINDINGS = 500
"""More are not noted: one cause may have as many faces as there are random texts."""

LIMIT = 0.05
"""Seconds for which one step may hold the loop."""

SETTINGS = {"LOOP_LIMIT_MS": f"{LIMIT * 1000:g}", "HEARTBEAT": "0.5", "READ_PATIENCE": "0.2"}

OURS_TO_ANSWER_FOR = {"INTERNAL", "none", "READ_STORE_UNAVAILABLE", "WRITE_STORE_UNAVAILABLE"}
"""Codes that no input may lead to; `none` is an error without one."""

_KNOWN = """{ products(first: 50) { edges { cursor } nodes { id name category } }
    customers(first: 50) { nodes { id } } orders(first: 50) { edges { cursor } nodes { orderId } }
    activity(first: 5) { nodes { commandId } } }"""

_RECEIVE = "mutation ($input: ReceiveStockInput!) { receiveStock(input: $input) { receipt { token } } }"

FEW_TOKENS = 4

AT_ONCE = 50
"""Commands that are sent at once to begin with; of many more, the service would refuse some as too many."""


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def codes(self) -> set[str]:
        return codes_of(self.json.get("errors") or ())


@dataclass
class Target:
    run: Run
    service: Service
    http: aiohttp.ClientSession
    products: list[str] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        """One that the service has given."""
        return self.tokens[0]

    @property
    def url(self) -> str:
        return f"{self.service.url}/graphql"

    def complain(self, attack: str, text: str) -> None:
        """Notes what must not be, once for each attack and kind of trouble."""
        finding = wrong(f"{attack}: {text}")
        if len(self.run.findings) < MOST_FINDINGS:
            self.run.found(finding)

    async def post(
        self, attack: str, body: object, headers: Mapping[str, str] | None = None, *, check: bool = True
    ) -> Reply | None:
        """Sends a body, JSON unless it is bytes, and checks the answer; none where the service closed."""
        sent = body if isinstance(body, bytes) else json_of(body)
        headers = {"Content-Type": "application/json", **(headers or {})}
        return await self.request(attack, "POST", self.url, data=BytesIO(sent), headers=headers, check=check)

    async def request(
        self, attack: str, method: str, url: str, *, check: bool = True, **options: Any
    ) -> Reply | None:
        """Sends any request; an answer with a fault of ours, or none at all, is found."""
        self.run.sent += 1
        began = monotonic()
        try:
            async with asyncio.timeout(PATIENCE), self.http.request(method, url, **options) as response:
                reply = Reply(response.status, await response.read(), monotonic() - began)
        except TimeoutError:
            self.complain(attack, f"no answer and no end within {PATIENCE:g} s")
            return None
        except (aiohttp.ClientError, OSError) as error:
            if check:
                reason = getattr(error, "strerror", None) or ""
                self.complain(attack, f"no answer: {type(error).__name__} {reason}")
            return None
        if check:
            self.check(attack, reply.status, reply.body)
        return reply

    def check(self, attack: str, status: int, body: bytes) -> None:
        """Finds an answer that is a fault of ours, or that says nothing."""
        if status >= 500:
            self.complain(attack, f"status {status}")
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            self.complain(attack, f"status {status} and no JSON: {body[:60]!r}")
            return
        errors = answer.get("errors") if isinstance(answer, dict) else None
        if bad := codes_of(errors or ()) & OURS_TO_ANSWER_FOR:
            message = next(each["message"] for each in errors or () if codes_of([each]) & bad)
            self.complain(attack, f"{' '.join(sorted(bad))}: {message[:100]}")
        if status >= 400 and not errors:
            self.complain(attack, f"status {status}, and no error that says why")

    async def held(self, *, anew: bool = False) -> dict[str, Any]:
        """What held the loop until now, as its own monitor tells it."""
        async with self.http.request("DELETE" if anew else "GET", f"{self.service.url}/health/loop") as told:
            figures: dict[str, Any] = await told.json()
            return figures

    def finish(self) -> None:
        """Finds what the service's log says of faults."""
        for line in self.service.tracebacks():
            self.complain("log", f"a traceback: {line[:200]}")
        said = self.service.log.read_text(errors="replace").splitlines()
        for line in {
            line.partition(" (")[0][:160] for line in said if line.startswith(("ERROR", "CRITICAL"))
        }:
            self.complain("log", line)


def json_of(body: object) -> bytes:
    """The body as JSON, however deep or large what is in it."""
    try:
        return orjson.dumps(body)
    except TypeError:  # It has a number, or a depth, that orjson does not write.
        return json.dumps(body).encode()


def codes_of(errors: Any) -> set[str]:
    """The codes of errors."""
    return {(error.get("extensions") or {}).get("code", "none") for error in errors}


@asynccontextmanager
async def open_target(
    run: Run,
    *,
    customers: int,
    orders: int,
    tokens: int = FEW_TOKENS,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Target]:
    """A service with a shop of this size that has given so many tokens.

    It is stopped when the block ends; what its log says of faults is found.
    """
    async with AsyncExitStack() as opened:
        service = Service(run.folder, {**SETTINGS, **(settings or {})})
        opened.push_async_callback(service.kill)
        await _fill(service, customers, orders, run.seed)
        # A connection for each request: what an attack did to one is no other's fault.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        http = await opened.enter_async_context(aiohttp.ClientSession(connector=connector))
        await service.start()
        target = Target(run, service, http)
        await _until_ready(target)
        await _learn(target, tokens)
        yield target
        code, _ = await service.stop()
        if code:
            target.complain("the end", f"the service stopped with the exit code {code}")
        target.finish()


async def _fill(service: Service, customers: int, orders: int, seed: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "demo", "--data-dir", str(service.data_dir)),
        *("--products", "60", "--customers", str(customers), "--orders", str(orders), "--seed", str(seed)),
        stdin=DEVNULL,
        stdout=DEVNULL,
        env={**os.environ},
    )
    assert await process.wait() == 0, "the demo shop was not filled"


async def _until_ready(target: Target) -> None:
    async with asyncio.timeout(UNTIL_READY):
        while True:
            try:
                async with target.http.get(f"{target.service.url}/health/ready") as response:
                    if response.status == 200:
                        break
            except aiohttp.ClientError:
                assert target.service.runs, target.service.last_word()
            await asyncio.sleep(0.05)


async def _learn(target: Target, tokens: int) -> None:
    reply = await target.post("setting up", {"query": _KNOWN})
    assert reply, "the service does not answer"
    data = reply.json["data"]
    target.products = [node["id"] for node in data["products"]["nodes"]]
    target.categories = sorted({node["category"] for node in data["products"]["nodes"]})
    target.customers = [node["id"] for node in data["customers"]["nodes"]]
    target.orders = [node["orderId"] for node in data["orders"]["nodes"]]
    target.cursors = [edge["cursor"] for name in ("products", "orders") for edge in data[name]["edges"]]
    target.commands = [node["commandId"] for node in data["activity"]["nodes"]]
    for first in range(0, tokens, AT_ONCE):
        some = range(first, min(tokens, first + AT_ONCE))
        target.tokens += await asyncio.gather(*(_token(target, number) for number in some))


async def _token(target: Target, number: int) -> str:
    """The token of a command that was carried out."""
    stock = {"input": {"productId": target.products[number % len(target.products)], "quantity": 1}}
    received = await target.post("setting up", {"query": _RECEIVE, "variables": stock})
    assert received, "the service does not answer"
    token: str = received.json["data"]["receiveStock"]["receipt"]["token"]
    return token
