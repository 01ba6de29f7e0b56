"""One process beside several with roles, on the same engines and data: answers from memory, and latencies.

Needs what `scripts/cluster` needs. Every way is measured once in each round, and the medians are reported.
"""

import argparse
import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from statistics import median
from time import perf_counter

import httpx

from tests.bench.commands import RECEIVE_STOCK, Known, invalidating
from tests.bench.generator import Job
from tests.bench.loading import figures_of, load, percentile
from tests.bench.machine import cores, described, pin, spent_by
from tests.bench.queries import CATEGORY, CUSTOMER_ORDERS, ORDER_PAGE, QUERIES
from tests.bench.tables import table
from tests.cluster.cluster import ALL, Cluster, open_cluster
from tests.cluster.members.member import family
from tests.cluster.members.service import ServiceProcess

CONNECTIONS, COMMANDS_PER_SECOND = 16, 50.0
WARM_UP = 2.0

FOUND = """{ products(first: 100) { nodes { id category onHand } }
  customers(first: 50) { nodes { id orders(first: 20) { nodes { id } } } } }"""


@dataclass(frozen=True)
class Way:
    """A way to divide the work: the roles of its processes."""

    name: str
    roles: Sequence[str]
    heard: bool = True
    """False for a process that has no NATS, as a service on one machine has none."""


ONE = Way("one process, no NATS", (ALL,), heard=False)
ONE_OF_EACH = Way("one process of each role", ("command", "query", "projector"))
TWO_QUERIES = Way("the same with two query processes", ("command", "query", "query", "projector"))
WAYS = (ONE, ONE_OF_EACH, TWO_QUERIES)


@dataclass(frozen=True)
class Asked:
    """The requests: for each query, and of commands."""

    reads: Mapping[str, Sequence[bytes]]
    commands: Sequence[bytes]
    product: str


@asynccontextmanager
async def running(way: Way) -> AsyncIterator[Cluster]:
    """Yield a cluster whose read models are live, with the demo shop."""
    async with open_cluster(None, way.roles, environment={"READ_CACHE_MB": "64"}) as cluster:
        if not way.heard:
            cluster.leave_out("NATS_URL")
        await cluster.start(demo=True)
        await cluster.until_ready()
        used = cores()
        for member in cluster.members:
            answers = isinstance(member, ServiceProcess) and "query" in member.roles
            for pid in family(member.pid or 0):
                pin(pid, used.server if answers else used.others)
        yield cluster


async def asked_of(url: str, number: int) -> Asked:
    """Return the requests about whatever the shop has."""
    async with httpx.AsyncClient(timeout=60) as http:
        data = (await http.post(f"{url}/graphql", json={"query": FOUND})).json()["data"]
    products, customers = data["products"]["nodes"], data["customers"]["nodes"]
    orders = [each["id"] for customer in customers for each in customer["orders"]["nodes"]]
    reads = {
        ORDER_PAGE.name: [ORDER_PAGE.over_graphql({"id": id}) for id in orders],
        CATEGORY.name: [
            CATEGORY.over_graphql({"category": each}) for each in sorted({p["category"] for p in products})
        ],
        CUSTOMER_ORDERS.name: [CUSTOMER_ORDERS.over_graphql({"id": each["id"]}) for each in customers],
    }
    in_stock = [each["id"] for each in products if each["onHand"] > 40]
    known = Known(in_stock, [each["id"] for each in customers])
    return Asked(reads, invalidating(known, Random(1), number), in_stock[0])


@dataclass(frozen=True)
class Rate:
    """What was measured of one query."""

    answers: float
    """Answers a second over all query processes."""
    on_time: float
    """The share of the commands that were on time."""
    cpu: float
    """Microseconds of processor time of the query processes for each answer, with all else that they do."""


async def rate(cluster: Cluster, asked: Asked, query: str, seconds: float) -> Rate:
    """Measure the answers to a query beside commands."""
    ports = [each.port for each in cluster.of("query")]
    jobs = [
        Job(
            port=port,
            connections=CONNECTIONS // len(ports),
            seconds=seconds,
            warm_up=WARM_UP,
            requests=list(asked.reads[query]),
        )
        for port in ports
    ]
    beside = Job(
        port=ports[0],
        connections=8,
        seconds=seconds,
        warm_up=WARM_UP,
        requests=list(asked.commands),
        pace=COMMANDS_PER_SECOND,
    )
    used, pids = cores(), [each.pid or 0 for each in cluster.of("query")]
    before = sum(spent_by(pid).cpu for pid in pids)
    *seen, commands = await asyncio.gather(*(load(each, used) for each in [*jobs, beside]))
    answers = sum(figures_of(each).rate for each in seen)
    # The warm-up is part of the processor time; its answers are as many a second as later ones.
    cpu = 1e6 * (sum(spent_by(pid).cpu for pid in pids) - before) / (answers * (seconds + WARM_UP))
    return Rate(answers, figures_of(commands).kept or 0.0, cpu)


async def own_write(cluster: Cluster, product: str, number: int) -> Sequence[float]:
    """Return the milliseconds of reads with the token of the command right before, at another process."""
    urls = [f"{each.url}/graphql" for each in cluster.of("query")]
    query = "query ($id: ID!) { node(id: $id) { ... on Product { onHand } } }"
    taken = []
    async with httpx.AsyncClient(timeout=60) as http:
        for turn in range(number):
            command = {"query": RECEIVE_STOCK, "variables": {"input": {"productId": product, "quantity": 1}}}
            written = await http.post(urls[turn % len(urls)], json=command)
            headers = {"Consistency-Token": written.headers["consistency-token"]}
            began = perf_counter()
            body = {"query": query, "variables": {"id": product}}
            read = await http.post(urls[(turn + 1) % len(urls)], json=body, headers=headers)
            taken.append(1000 * (perf_counter() - began))
            assert "errors" not in read.json(), read.text
    return taken


async def measure(rounds: int, seconds: float) -> list[str]:
    """Return a report in Markdown."""
    rates, cpu = (defaultdict[tuple[str, str], list[float]](list) for _ in range(2))
    on_time, p50, p99 = (defaultdict[str, list[float]](list) for _ in range(3))
    for _ in range(rounds):
        for way in WAYS:
            async with running(way) as cluster:
                asked = await asked_of(cluster.of("query")[0].url, 20_000)
                for query in QUERIES:
                    found = await rate(cluster, asked, query.name, seconds)
                    rates[way.name, query.name].append(found.answers)
                    cpu[way.name, query.name].append(found.cpu)
                    on_time[way.name].append(found.on_time)
                taken = await own_write(cluster, asked.product, 300)
                p50[way.name].append(percentile(taken, 50))
                p99[way.name].append(percentile(taken, 99))
    names = [query.name for query in QUERIES]
    rows = []
    for way in WAYS:
        row = [way.name]
        for name in names:
            answers, base = median(rates[way.name, name]), median(rates[ONE.name, name])
            row.append(f"{answers:,.0f} ({answers / base:.2f}), {median(cpu[way.name, name]):.0f} µs")
        row += [f"{median(on_time[way.name]):.2f}"]
        row += [f"{median(p50[way.name]):.1f} / {median(p99[way.name]):.1f}"]
        rows.append(row)
    head = [
        "",
        *(f"{query}, answers/s (ratio), CPU" for query in names),
        "commands on time",
        "own write read, p50 / p99 ms",
    ]
    return [
        f"{rounds} rounds of {seconds:g} s, {CONNECTIONS} connections, {COMMANDS_PER_SECOND:g} commands a "
        f"second beside; {cores()}: the server is what answers queries.",
        *described(),
        "",
        *table(head, rows),
    ]


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    asked = parser.parse_args()
    print("\n".join(asyncio.run(measure(asked.rounds, asked.seconds))))


if __name__ == "__main__":
    main()
