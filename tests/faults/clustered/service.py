"""A whole cluster in the place of one service: users reach it by its proxy, and watch it as a whole."""

import asyncio
from time import monotonic

from sqlalchemy import NullPool, func, select
from sqlalchemy.ext.asyncio import create_async_engine

from app.stores.sql.transactions import events
from tests.cluster.cluster import Cluster
from tests.faults.service import Service

PATIENCE, READY = 20.0, 60.0
"""Seconds until the stream must have all events of the log, once nothing is broken; and of a start."""


class ClusterService(Service):
    """The processes behind a proxy. The engines are started with them, and stay when they are stopped."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster.folder, {})
        self.cluster = cluster
        self.url = cluster.url
        self.log = cluster.folder / "logs"

    async def start(self, *, dying: str = "", at: int = 1) -> None:
        """Start everything; return when all processes of the proxy are ready."""
        assert not dying, "which of the processes?"
        self.started_at = monotonic()
        await self.cluster.start()
        async with asyncio.timeout(READY):
            await self.cluster.until_ready()

    @property
    def runs(self) -> bool:
        return any(process.runs for process in self.cluster.processes)

    async def gone(self) -> None:
        """Wait for ever: a cluster does not end when one of its processes does."""
        await asyncio.Event().wait()

    async def stop(self) -> tuple[int, float]:
        """Wait for the stream to have all events, then stop the processes; the engines go on.

        Return an exit code that is 0 if all of them are, and how many seconds the slowest took.
        """
        await self._stream_is_complete()
        asked = monotonic()
        codes = await self.cluster.stop_processes()
        return max(abs(code or 0) for code in codes.values()), monotonic() - asked

    async def _stream_is_complete(self) -> None:
        """Wait until the stream is as long as the log, or for 20 s; the check of its events says the rest."""
        deadline = monotonic() + PATIENCE
        while monotonic() < deadline:
            if await self.cluster.nats.events() >= await self.head():
                return
            await asyncio.sleep(0.1)

    async def head(self) -> int:
        """Return the newest position of the log."""
        engine = create_async_engine(self.cluster.postgres.url, poolclass=NullPool)
        async with engine.connect() as connection:
            newest: int = (
                await connection.execute(select(func.coalesce(func.max(events.c.position), 0)))
            ).scalar_one()
        await engine.dispose()
        return newest or 0

    def last_word(self) -> str:
        """Return the end of each process's log."""
        return "; ".join(process.said() for process in self.cluster.processes)

    def tracebacks(self) -> list[str]:
        """Return the last lines of all tracebacks of all processes."""
        found = []
        for process in self.cluster.processes:
            log, self.log = self.log, process.log
            found += [f"{process.name}: {each}" for each in super().tracebacks()]
            self.log = log
        return found
