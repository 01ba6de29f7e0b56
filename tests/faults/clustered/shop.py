"""A shop on a cluster: its users are sent to another process at every request, its subscribers hop."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp

from tests.cluster.cluster import TWO_OF_EACH, Cluster, open_cluster, temporary_folder
from tests.faults.campaign import Run
from tests.faults.checks.books import open_books
from tests.faults.checks.streams import check_stream, read_stream
from tests.faults.clustered.hoppers import Hopper
from tests.faults.clustered.service import ClusterService
from tests.faults.journal import Journal
from tests.faults.shop import LONGEST_LAG, USERS, Shop
from tests.ports import free_port


class ClusterShop(Shop):
    """An open shop, the cluster under it, and what can be waited for."""

    cluster: Cluster
    service: ClusterService

    async def all_ready(self) -> None:
        """Wait until every member runs, and every process in the proxy's turn is ready."""
        async with asyncio.timeout(LONGEST_LAG):
            for member in self.cluster.members:
                await member.until_it_answers()
            for upstream in self.cluster.proxy.upstreams:
                upstream.ready = False  # until it is asked again
            await self.cluster.until_ready()


@asynccontextmanager
async def open_cluster_shop(
    run: Run,
    *,
    roles: Sequence[str] = TWO_OF_EACH,
    users: int = USERS,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[ClusterShop]:
    """Yield an open shop on a new cluster; everything is checked when the block ends, the stream included."""
    run.shops += 1
    chance = run.chance("shop", run.shops)
    environment = {"HEARTBEAT": "0.3", "READ_PATIENCE": "2", **(settings or {})}
    async with AsyncExitStack() as opened:
        # PostgreSQL's user can't pass the folder of the evidence, which gets the logs when all is over.
        place = Path(opened.enter_context(temporary_folder()))
        opened.callback(_keep_logs, place / "logs", run.folder / f"shop-{run.shops}")
        cluster = await opened.enter_async_context(
            open_cluster(place, roles, port=free_port(), environment=environment, cuttable=True)
        )
        journal = opened.enter_context(Journal(run.folder / f"journal-{run.shops}.jsonl"))
        connector = aiohttp.TCPConnector(limit=0, force_close=True)  # each request is the next process's
        http = await opened.enter_async_context(aiohttp.ClientSession(connector=connector))
        service = ClusterService(cluster)
        shop = ClusterShop(run, chance, journal, service, http)
        shop.cluster = cluster
        shop.write_store, shop.read_store = cluster.postgres.url, cluster.mongo.url
        urls = [process.url for process in cluster.of("query")]
        shop.watcher = partial(Hopper, urls=urls, chance=run.chance("hoppers", run.shops))
        opened.push_async_callback(shop.send_home)
        opened.callback(_keep_items, shop, run.folder / f"shop-{run.shops}")
        await shop.open(users)
        yield shop
        await shop.finish()
        run.count_in(journal)
        books = await open_books(cluster.postgres.url)
        run.found(*check_stream(await read_stream(cluster.nats.url), books))


def _keep_items(shop: Shop, folder: Path) -> None:
    """Write down what each subscriber was sent, by which process and when."""
    folder.mkdir(parents=True, exist_ok=True)
    for watcher in shop.watchers:
        lines = "".join(f"{json.dumps(item)}\n" for item in watcher.items)
        (folder / f"{watcher.name}.jsonl").write_text(lines)


def _keep_logs(logs: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for log in logs.iterdir():
        (folder / log.name).write_bytes(log.read_bytes())
