"""Subscribers over real websockets, who come back with their cursor whenever they are cut off."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from app.declared import READ_MODELS
from tests.faults.clients import PATIENT, pauses
from tests.faults.findings import Finding, wrong
from tests.faults.journal import Acknowledged

CHANGES = """subscription ($after: ConsistencyToken) { readModelUpdates(after: $after) { __typename
    ... on DocumentChanged { readModel collection documentId position cursor }
    ... on Heartbeat { cursor } ... on Lagged { count cursor } ... on Reset { cursor } } }"""

ORDER = "id status version position total { amount }"
PRODUCT = "id version stockVersion position available reserved onHand unitsSold price { amount }"

ORDERS_OF = f"""subscription ($id: ID!, $after: ConsistencyToken) {{
    customerOrdersUpdated(customerId: $id, after: $after) {{ cursor lagged reset order {{ {ORDER} }} }} }}"""
ONE_ORDER = f"""subscription ($id: ID!, $after: ConsistencyToken) {{
    orderUpdated(id: $id, after: $after) {{ cursor lagged reset order {{ {ORDER} }} }} }}"""
ONE_PRODUCT = f"""subscription ($id: ID!, $after: ConsistencyToken) {{
    productUpdated(id: $id, after: $after) {{ cursor lagged reset product {{ {PRODUCT} }} }} }}"""

Item = dict[str, Any]


@dataclass
class Watcher:
    """One subscriber, and all that it was ever sent, in order."""

    name: str
    query: str
    id: str | None = None
    items: list[Item] = field(default_factory=list)
    connections: int = 0
    _told: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def cursor(self) -> str | None:
        """Where it goes on from."""
        return self.items[-1]["cursor"] if self.items else None

    async def until(self, seen: Callable[[list[Item]], bool]) -> None:
        """Returns once what it has been sent is enough."""
        async with self._told:
            await self._told.wait_for(lambda: seen(self.items))

    async def watch(
        self, url: str, http: aiohttp.ClientSession, chance: Random, found: Callable[[Finding], None]
    ) -> None:
        """Subscribes, and subscribes again, until it is cancelled."""
        waits = pauses(chance)
        while True:
            before = len(self.items)
            with suppress(aiohttp.ClientError, OSError):  # it was cut off
                await self._listen(url, http, found)
            if len(self.items) > before:
                waits = pauses(chance)
            await asyncio.sleep(next(waits))

    async def _listen(self, url: str, http: aiohttp.ClientSession, found: Callable[[Finding], None]) -> None:
        async with http.ws_connect(f"{url}/graphql", protocols=("graphql-transport-ws",)) as socket:
            await socket.send_json({"type": "connection_init"})
            payload = {"query": self.query, "variables": {"id": self.id, "after": self.cursor}}
            await socket.send_json({"type": "subscribe", "id": "1", "payload": payload})
            self.connections += 1
            async for frame in socket:
                message = json.loads(frame.data)
                match message["type"]:
                    case "next":
                        errors = message["payload"].get("errors")
                        if errors:
                            self._complain(errors, found)
                            return
                        [item] = message["payload"]["data"].values()
                        await self._keep({**item, "connection": self.connections})
                    case "error":
                        self._complain(message["payload"], found)
                        return
                    case "complete":
                        return
            if (socket.close_code or 1006) not in _CUT_OFF:
                found(wrong(f"{self.name} was closed with {socket.close_code}"))

    async def _keep(self, item: Item) -> None:
        async with self._told:
            self.items.append(item)
            self._told.notify_all()

    def _complain(self, errors: list[dict[str, Any]], found: Callable[[Finding], None]) -> None:
        if {error.get("extensions", {}).get("code") for error in errors} - PATIENT:
            found(wrong(f"{self.name} was told {errors}"))


_CUT_OFF = {1000, 1001, 1006, 1012}
"""Closed in order, by a service that goes away, without a word, or for a restart."""


def is_back(watcher: Watcher) -> Callable[[Sequence[Item]], bool]:
    """Whether a follower of all changes has heard something, if only a heartbeat, from now on."""
    heard = len(watcher.items)
    return lambda items: watcher.query is not CHANGES or len(items) > heard


def is_done_at(states: Mapping[str, Any], last: Acknowledged) -> Callable[[Sequence[Item]], bool]:
    """Whether a watcher has seen the newest of these states; or, of all changes, each model's last ones."""
    newest = max((int(state["position"]) for state in states.values()), default=0)
    first = int(last.receipt["events"][0]["position"])

    def is_done(items: Sequence[Item]) -> bool:
        if states:
            shown = (item.get("order") or item.get("product") or {} for item in items)
            return any(int(state.get("position", 0)) >= newest for state in shown)
        late: set[str] = set()
        for item in items:
            if int(item.get("position", 0)) >= first:
                late.add(item["readModel"])
            elif len(late) == len(READ_MODELS):  # A heartbeat: nothing of the last event is under way.
                return True
        return False

    return is_done
