"""The read side: all candidates checked first, then measured in rounds, in another order each round."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import aiohttp

from tests.bench.candidates import Candidate, Running, Stores, started
from tests.bench.commands import Known, invalidating
from tests.bench.generator import Job
from tests.bench.loading import Figures, LoadFailed, figures_of, kept_of, load
from tests.bench.machine import Cores
from tests.bench.queries import QUERIES, Query, Variables
from tests.bench.shop import until_live

CHECKED = 40
"""Answers to each query that are compared before anything is measured."""

WARM_UP, FILLING = 0.5, 2.5
"""Seconds before the clock starts: connections are made and operations compiled; and caches filled."""

_WRITERS = 8
"""Connections of the commands that run beside."""

Cell = tuple[str, str, int]
"""A candidate's name, a query's name, and a number of connections."""


class AnswersDiffer(Exception):
    """A candidate gives another answer than the others; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured, how often, and for how many seconds each time."""

    candidates: Sequence[Candidate]
    connections: Sequence[int] = (1, 16, 64)
    rounds: int = 5
    seconds: float = 3.0
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Bench:
    """All that a measurement needs."""

    plan: Plan
    stores: Stores
    cores: Cores
    known: Known
    asked: Mapping[str, Sequence[Variables]]
    """By query: whom it is asked for."""


@dataclass
class Answers:
    """What the first candidate answered, which all others have to answer, too."""

    data: dict[tuple[str, int], Any] = field(default_factory=dict)
    """By query and place in the list."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes of a typical answer, by query."""

    def take(self, candidate: Candidate, query: Query, place: int, data: Any) -> None:
        """Keeps the answer if it is the first, and else compares it; raises `AnswersDiffer`."""
        [found] = data.values() if isinstance(data, dict) else [None]
        expected = self.data.setdefault((query.name, place), data)
        if not found or data != expected:
            raise AnswersDiffer(
                f"{candidate.name} answers {query.name} (number {place}) with\n{data}\nand not\n{expected}"
            )


Rounds = Mapping[Cell, Sequence[Figures]]


async def measure_reads(bench: Bench, reference: Candidate) -> Rounds:
    """Checks that all candidates answer as `reference` does, then measures; raises `AnswersDiffer`."""
    plan, chance = bench.plan, Random(bench.plan.seed)
    answers = await check(bench, reference)
    measured: dict[Cell, list[Figures]] = {}
    for round_ in range(1, plan.rounds + 1):
        for candidate in chance.sample(plan.candidates, len(plan.candidates)):
            print(f"Round {round_} of {plan.rounds}: {candidate.name}", flush=True)
            async with started(candidate, bench.stores, bench.cores) as server:
                await _ready(candidate, server)
                for query in QUERIES:
                    requests = _requests(candidate, query, bench, answers)
                    for connections in plan.connections:
                        figures = await _measure(candidate, server, requests, connections, bench, chance)
                        measured.setdefault((candidate.name, query.name, connections), []).append(figures)
    return measured


async def check(bench: Bench, reference: Candidate) -> Answers:
    """What all candidates answer alike; raises `AnswersDiffer` where they do not."""
    answers = Answers()
    for candidate in dict.fromkeys((reference, *bench.plan.candidates)):
        if not candidate.constant:
            await _check(candidate, bench, answers)
    return answers


async def _check(candidate: Candidate, bench: Bench, answers: Answers) -> None:
    print(f"Checking the answers of {candidate.name}", flush=True)
    async with started(candidate, bench.stores, bench.cores) as server, aiohttp.ClientSession() as http:
        await _ready(candidate, server)
        for query in QUERIES:
            for place, variables in enumerate(bench.asked[query.name][:CHECKED]):
                if candidate.graphql:
                    body = {"query": query.text, "variables": variables}
                    asking = http.post(f"{server.url}/graphql", json=body)
                else:
                    asking = http.get(f"{server.url}{query.path_for(variables)}")
                async with asking as answer:
                    said = await answer.json()
                    if "errors" in said:
                        raise AnswersDiffer(f"{candidate.name} answers {query.name} with {said['errors']}")
                    answers.take(candidate, query, place, said["data"])
                    answers.sizes.setdefault(query.name, len(await answer.read()))


async def _ready(candidate: Candidate, server: Running) -> None:
    if candidate.is_diptych:
        await until_live(server.url)


def _requests(candidate: Candidate, query: Query, bench: Bench, answers: Answers) -> list[bytes]:
    path = f"/{answers.sizes[query.name]}" if candidate.constant else "/graphql"
    return [
        query.over_graphql(variables, path)
        if candidate.graphql or candidate.constant
        else query.plainly(variables)
        for variables in bench.asked[query.name]
    ]


async def _measure(
    candidate: Candidate,
    server: Running,
    requests: list[bytes],
    connections: int,
    bench: Bench,
    chance: Random,
) -> Figures:
    job = Job(
        port=server.port,
        connections=connections,
        seconds=bench.plan.seconds,
        warm_up=FILLING if candidate.keeps else WARM_UP,
        requests=requests,
        watched={"server": server.process, "mongod": bench.stores.mongod},
    )
    if not candidate.commands:
        return _some(candidate, figures_of(await load(job, bench.cores)))
    number = int(candidate.commands * (job.seconds + job.warm_up)) + 1
    commands = invalidating(
        bench.known, Random(chance.random()), number
    )  # others each time, for stock is limited
    beside = Job(
        port=server.port,
        connections=_WRITERS,
        seconds=job.seconds,
        warm_up=job.warm_up,
        requests=commands,
        pace=candidate.commands,
    )
    reading, writing = await asyncio.gather(load(job, bench.cores), load(beside, bench.cores))
    return _some(candidate, replace(figures_of(reading), kept=kept_of(writing)))


def _some(candidate: Candidate, figures: Figures) -> Figures:
    if not figures.rate:
        raise LoadFailed(f"{candidate.name} answered nothing in that time; measure longer, with --seconds.")
    return figures
