"""Clients of the service over real HTTP, who keep a journal and don't give up."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import aiohttp

from tests.faults.findings import Finding, wrong
from tests.faults.journal import Acknowledged, Entry, Journal, Outcome, Refused, Unknown
from tests.faults.wishes import Known, Wish, next_wish

PATIENCE = 30.0
"""Seconds after which a request that was neither answered nor cut off counts as hanging."""

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.2
"""Seconds that a client waits before it sends something once more."""

BUSY = "WRITE_STORE_BUSY"
"""The code of a command that was not begun, because too many waited."""

RETRYABLE = frozenset({"WRITE_STORE_UNAVAILABLE", BUSY, "CONFLICT"})
"""Codes of a command that may be sent again."""

PATIENT = frozenset({"READ_MODEL_BEHIND", "READ_STORE_UNAVAILABLE"})
"""Codes of a read that may be asked again."""

_RECEIPT = "receipt { commandId token events { eventId type subject position } } errors { code }"
_ENTITY = {"Product": "product", "Stock": "product", "Customer": "customer", "Order": "order"}


class Lost(Exception):
    """The connection was cut before an answer came."""


@dataclass(frozen=True)
class Answer:
    data: dict[str, Any] | None
    codes: tuple[str, ...]
    extensions: dict[str, Any]
    token: str
    errors: tuple[dict[str, Any], ...] = ()


class Client:
    """One user: sends back the greatest token that it has seen, and never believes an older answer."""

    def __init__(
        self, url: str, http: aiohttp.ClientSession, chance: Random, found: Callable[[Finding], None]
    ) -> None:
        self.url = f"{url}/graphql"
        self.http = http
        self.chance = chance
        self.seen = ""
        self.may_be_cut_off = True
        """False where the service promises that no connection is refused or cut off before the answer."""
        self._found = found

    async def ask(self, query: str, variables: dict[str, Any] | None = None, *, token: str = "") -> Answer:
        """The answer to an operation; raises `Lost`. What must never be answered is found."""
        headers = {"Consistency-Token": token} if token else {}
        body = {"query": query, "variables": variables}
        try:
            async with asyncio.timeout(PATIENCE):
                async with self.http.post(self.url, json=body, headers=headers) as response:
                    status, got = response.status, response.headers.get("Consistency-Token", "")
                    answer = await response.json(content_type=None)
        except TimeoutError:
            self._found(wrong(f"no answer and no end after {PATIENCE:g} s: {query[:80]}"))
            raise Lost("timeout") from None
        except (aiohttp.ClientError, OSError) as error:
            if not self.may_be_cut_off:
                self._found(wrong(f"{type(error).__name__} ({error}) instead of an answer to {query[:80]}"))
            raise Lost(f"{type(error).__name__}: {error}") from error
        except ValueError:
            self._found(wrong(f"an answer with status {status} that is no JSON: {query[:80]}"))
            raise Lost("no JSON") from None
        codes = tuple(error.get("extensions", {}).get("code", "none") for error in answer.get("errors", ()))
        if status >= 500 or set(codes) - RETRYABLE - PATIENT:
            self._found(wrong(f"status {status} and {answer.get('errors')} for {query[:80]} {variables}"))
        if got and got < token:
            self._found(wrong(f"asked with the token {token}, and got the older one {got} back"))
        errors = tuple(answer.get("errors", ()))
        return Answer(answer.get("data"), codes, answer.get("extensions", {}), got, errors)

    async def read(self, query: str, variables: dict[str, Any] | None = None) -> Answer:
        """A read that must hold all that this client has seen, or say that it does not."""
        token = self.seen
        answer = await self.ask(query, variables, token=token)
        self.seen = max(self.seen, answer.token)
        return answer

    async def tried(self, entry: Entry, *, read_back: str = "") -> Outcome:
        """Sends a command once; what is `read_back` of its entity comes with the receipt."""
        name = entry.mutation
        query = (
            f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ "
            f"{name}(input: $input) {{ {_RECEIPT} {read_back} }} }}"
        )
        try:
            answer = await self.ask(query, {"input": {**entry.input, "commandId": str(entry.id)}})
        except Lost as lost:
            return Unknown(str(lost))
        payload = (answer.data or {}).get(name)
        if payload is None:
            return Unknown(" ".join(answer.codes), " ".join(error["message"] for error in answer.errors))
        if payload["errors"]:
            return Refused(tuple(error["code"] for error in payload["errors"]))
        self.seen = max(self.seen, answer.token)
        return Acknowledged(payload["receipt"])


def pauses(chance: Random) -> Iterator[float]:
    """How long to wait before each next try, in seconds."""
    pause = FIRST_PAUSE
    while True:
        yield pause * chance.uniform(0.5, 1)
        pause = min(LONGEST_PAUSE, pause * 1.5)


class Buyer(Client):
    """A user who sends commands: they are written down first, and sent until they are answered."""

    def __init__(
        self,
        url: str,
        http: aiohttp.ClientSession,
        chance: Random,
        found: Callable[[Finding], None],
        journal: Journal,
        known: Known,
    ) -> None:
        super().__init__(url, http, chance, found)
        self.journal = journal
        self.known = known

    def note(self, wish: Wish, *, at_once: bool = False) -> Entry:
        """Writes a command down, with a new id."""
        id = UUID(int=self.chance.getrandbits(128), version=4)
        return self.journal.write(id, wish.mutation, wish.input, at_once=at_once)

    async def send(self, entry: Entry, *, insist: bool = True, read_back: str = "") -> Outcome:
        """Sends it until it is answered, or once if this client does not `insist`."""
        waits = pauses(self.chance)
        while True:
            self.journal.sends(entry)
            outcome = await self.tried(entry, read_back=read_back)
            self.journal.answered(entry, outcome)
            if isinstance(outcome, Acknowledged) and len(entry.receipts) == 1:
                self.known.learn(entry, outcome)
            if not (insist and isinstance(outcome, Unknown)):
                return outcome
            asked_to_wait = re.search(r"Send it again in ([\d.]+) seconds", outcome.said)
            await asyncio.sleep(
                float(asked_to_wait[1]) * self.chance.uniform(1, 2) if asked_to_wait else next(waits)
            )

    async def wish(self, wish: Wish) -> Acknowledged:
        """Sends a command that can't be refused."""
        outcome = await self.send(self.note(wish))
        assert isinstance(outcome, Acknowledged), (wish, outcome)
        return outcome

    async def shop_on(self, until: asyncio.Event) -> None:
        """One wish after another; most are insisted on, and some are looked at afterwards."""
        while not until.is_set():
            entry = self.note(next_wish(self.chance, self.known))
            outcome = await self.send(entry, insist=self.chance.random() < 0.8)
            if isinstance(outcome, Unknown):
                await asyncio.sleep(FIRST_PAUSE)
            elif isinstance(outcome, Acknowledged) and self.chance.random() < 0.2:
                await self.look_at(outcome)

    async def look_at(self, outcome: Acknowledged) -> None:
        """Reads its own write; an answer that does not hold it is found."""
        for subject in dict.fromkeys(outcome.subjects):
            with _whatever_happens_to_the_connection():
                answer = await self.read(_NODE, {"id": subject})
                node = (answer.data or {}).get("node")
                events = [event for event in outcome.receipt["events"] if event["subject"] == subject]
                wanted = int(events[-1]["position"])
                if not answer.codes and (node is None or int(node["position"]) < wanted):
                    self._found(wrong(f"{subject} was read as {node}, without its event at {wanted}"))


_NODE = """query ($id: ID!) { node(id: $id) { id
    ... on Product { position } ... on Customer { position } ... on Order { position } } }"""


@contextmanager
def _whatever_happens_to_the_connection() -> Iterator[None]:
    try:
        yield
    except Lost:
        return
