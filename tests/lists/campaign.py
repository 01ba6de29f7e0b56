"""Lists that are kept by their updates alone, compared with fresh queries after each burst of commands.

`python -m tests.lists.campaign 100000 --seed 7` starts a service, and makes so many changes (events).
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from tests.lists.commands import CATEGORIES, Commands
from tests.lists.kept import FOLLOW_ORDERS, FOLLOW_PRODUCTS, READ_ORDERS, READ_PRODUCTS, Kept
from tests.lists.socket import Operation, Socket, socket_to
from tests.service import running

PATIENCE = 30
"""Seconds in which a list must come to equal a fresh query."""


@dataclass
class Followed:
    """A list that is followed, and left and resumed now and then."""

    follow: str
    read: str
    variables: dict[str, Any]
    kept: Kept = field(default_factory=Kept)
    operation: Operation | None = None

    async def resume(self, socket: Socket) -> None:
        self.operation = await socket.begin(self.follow, {**self.variables, "after": self.kept.cursor})

    async def leave(self, socket: Socket) -> None:
        if self.operation:
            await socket.leave(self.operation)
            self.operation = None

    async def comes_to(self, fresh: Any) -> bool:
        """Take updates until the list equals a fresh one; return whether it does in time."""
        assert self.operation
        try:
            async with asyncio.timeout(PATIENCE):
                while not self.kept.equals(fresh):
                    self.kept.take(await self.operation.next())
        except TimeoutError:
            return False
        return True

    def take_all(self) -> None:
        """Take the updates that have arrived."""
        while self.operation and not self.operation.payloads.empty():
            payload = self.operation.payloads.get_nowait()
            assert payload
            [update] = payload["data"].values()
            self.kept.take(update)


def lists(commands: Commands) -> Sequence[Followed]:
    """Lists of every filter and order, long and short."""
    chance, categories = commands.random, [f"{each} {commands.name}" for each in CATEGORIES]
    customers = chance.sample(commands.customers, 3)
    orders: list[dict[str, Any]] = [
        {"filter": {"customerId": customers[0]}},
        {"filter": {"customerId": customers[1], "status": ["PLACED", "PAID"]}, "first": 5},
        {"filter": {"customerId": customers[2]}, "orderBy": {"field": "TOTAL", "direction": "DESC"}},
        {"first": 10},
        {"filter": {"status": ["PLACED"]}, "orderBy": {"field": "PLACED_AT"}, "first": 7},
        {"filter": {"status": ["PAID"]}, "first": 3},
        {"filter": {"status": ["CANCELLED", "SHIPPED"]}, "first": 30},
        {"filter": {"totalFrom": "100"}, "orderBy": {"field": "TOTAL"}, "first": 10},
        {"filter": {"totalFrom": "20", "totalTo": "60"}, "orderBy": {"field": "TOTAL", "direction": "DESC"}},
        {"filter": {"status": ["PLACED"], "totalTo": "50"}, "first": 100},
    ]
    products: list[dict[str, Any]] = [
        {"filter": {"categories": categories[:1]}},
        {"filter": {"categories": categories}, "orderBy": {"field": "PRICE"}, "first": 10},
        {"filter": {"categories": categories}, "orderBy": {"field": "BEST_SELLING", "direction": "DESC"}},
        {"filter": {"categories": categories[1:], "priceFrom": "10", "priceTo": "25"}, "first": 100},
        {"filter": {"search": "a", "categories": categories}, "first": 5},
        {"filter": {"categories": categories, "discontinued": True}},
    ]
    return [
        *(Followed(FOLLOW_ORDERS, READ_ORDERS, each) for each in orders),
        *(Followed(FOLLOW_PRODUCTS, READ_PRODUCTS, each) for each in products),
    ]


@dataclass
class Outcome:
    """What a campaign has seen."""

    events: int = 0
    commands: int = 0
    comparisons: int = 0
    resumed: int = 0
    differences: list[str] = field(default_factory=list)
    states: int = 0
    pages: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


async def campaign(url: str, seed: int, changes: int, *, name: str, progress: bool = False) -> Outcome:
    """Make so many changes in bursts; after each, compare every list with a fresh query."""
    outcome, chance = Outcome(), Random(seed)
    async with socket_to(url) as writing, socket_to(url) as following:
        commands = Commands(writing, chance, name)
        await commands.fill()
        followed = lists(commands)
        for each in followed:
            await each.resume(following)
        next_report, began = 0, perf_counter()
        while commands.events < changes:
            away = [each for each in followed if chance.random() < 0.1]
            for each in away:
                each.take_all()
                await each.leave(following)
            burst = [commands.one() for _ in range(chance.choice([1, 3, 10, 20, 40]))]
            await asyncio.gather(*burst)
            for each in away:
                await each.resume(following)
            outcome.resumed += len(away)
            await _compare(followed, commands, outcome)
            if progress and commands.events >= next_report:
                next_report += changes // 20
                print(
                    f"{commands.events} changes, {outcome.comparisons} comparisons, "
                    f"{len(outcome.differences)} differences, {perf_counter() - began:.0f} s",
                    flush=True,
                )
    outcome.events, outcome.commands = commands.events, commands.accepted
    outcome.states = sum(each.kept.states for each in followed)
    outcome.pages = sum(each.kept.pages for each in followed)
    outcome.kinds = Counter(kind for each in followed for kind in each.kept.kinds)
    return outcome


async def _compare(followed: Sequence[Followed], commands: Commands, outcome: Outcome) -> None:
    async def compare(each: Followed) -> None:
        variables = {**each.variables, "atLeast": [commands.token]}
        fresh = await commands.socket.ask(each.read, variables)
        outcome.comparisons += 1
        if not await each.comes_to(fresh):
            shown = [json.dumps(edges)[:2000] for edges in (each.kept.edges, fresh["edges"])]
            outcome.differences.append(f"{each.variables}\nkept  {shown[0]}\nfresh {shown[1]}")

    await asyncio.gather(*map(compare, followed))


async def _run(changes: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), "--no-demo", READ_PATIENCE="30") as service:
            outcome = await campaign(service.url, seed, changes, name="C", progress=True)
    for difference in outcome.differences:
        print(difference)
    print(
        f"seed {seed}: {outcome.events} changes by {outcome.commands} commands, {outcome.comparisons} "
        f"comparisons, {outcome.resumed} resumed, {outcome.states} states, {outcome.pages} whole lists, "
        f"{dict(outcome.kinds)}: {len(outcome.differences)} differences"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.lists.campaign", description=__doc__)
    parser.add_argument("changes", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    asyncio.run(_run(given.changes, given.seed))
