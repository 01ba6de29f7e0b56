"""Backups are made of a shop that is busy, and restored elsewhere, where the books must be right."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from time import monotonic

from sqlalchemy import select

from app.backups.manifest import read
from app.stores.mongo.embedded.mongod import embedded_mongod
from app.stores.sql.engines.opening import open_database
from app.stores.sql.transactions import commands
from tests.faults.campaign import Run
from tests.faults.checks.books import open_books
from tests.faults.checks.documents import LIVE, REBUILT, check_documents, documents, rebuild
from tests.faults.checks.light import check_lightly
from tests.faults.checks.rows import check_rows
from tests.faults.clients import Client, Lost
from tests.faults.findings import wrong
from tests.faults.registry import fault
from tests.faults.service import Service
from tests.faults.shop import LONGEST_LAG, Shop, open_shop

BOOKS = Path(os.environ.get("NORTHWIND", Path(__file__).parents[2] / "northwind"))
"""The Northwind books: those of the tests, or the whole ones in the folder that a variable names."""

LOADER = Path(__file__).parents[3] / "scripts" / "northwind.py"
"""It loads the books, each command once however often it is called, and compares all sums with them."""

AT_ONCE = 3.0
"""Seconds in which an old token is refused: less than a read would wait for its position."""

BUSY = "WRITE_STORE_BUSY"
"""The code with which a slow machine refuses some of the loader's commands; it stops there."""

USERS = 3
"""Not so many that a slow machine is busy with them alone."""

DERIVED = 5
"""The version of UUIDs that are made of a name."""

FRESHNESS = "{ freshness { readModel state position head reason } }"


@fault("restore", rounds=20, short=1)
async def restored(run: Run) -> None:
    """A backup under load is restored: all before it is there, and the books are right to the cent."""
    async with open_shop(run, users=USERS) as shop:
        loading = asyncio.create_task(_load(run, shop.service.url))
        if run.chance().random() < 0.5:  # Otherwise the first backup comes in the middle of it.
            await loading
        while run.goes_on():
            await _Round(run, shop, loading).live_through()
            run.done += 1
        await _note_loaded(shop)


class _Round:
    def __init__(self, run: Run, shop: Shop, loading: "asyncio.Task[None]") -> None:
        self.run = run
        self.shop = shop
        self.loading = loading
        self.chance: Random = run.chance(run.done)
        self.folder = run.folder / f"round-{run.done}"
        self.backup = self.folder / "backup"

    async def live_through(self) -> None:
        self.folder.mkdir()
        with_documents = self.chance.random() < 0.5
        await asyncio.sleep(self.chance.uniform(0, 2))
        before = list(self.shop.journal.acknowledged)
        began = monotonic()
        documents = ("--documents",) if with_documents else ()
        keys = ("--keys", str(self.folder / "keys.json"))
        await self._diptych("backup", self.backup, *documents, *keys, data_dir=self.shop.service.data_dir)
        self.run.measured("a backup", monotonic() - began)
        await self.loading
        await self._diptych("restore", self.backup, "--check", data_dir=self.shop.service.data_dir)
        environment = {"READ_PATIENCE": "5"}
        url = f"sqlite+aiosqlite:///{self.folder}/data/write.db"
        if self.run.server and self.chance.random() < 0.8:  # Sometimes the other database takes it.
            url = environment["DATABASE_URL"] = await self.run.server.database()
        elsewhere = Service(self.folder, environment)
        began = monotonic()
        await self._diptych("restore", self.backup, *keys, data_dir=elsewhere.data_dir, **environment)
        self.run.measured("a restore", monotonic() - began)
        self.run.found(*await check_lightly(url, before))
        head = read(self.backup).log.head
        await self._use(elsewhere)
        await self._check(url, elsewhere.data_dir, head)

    async def _use(self, elsewhere: Service) -> None:
        """The books are right, nothing has failed, and no token of the store before is accepted."""
        await elsewhere.start()
        try:
            client = Client(elsewhere.url, self.shop.http, self.chance, self.run.found)
            began = monotonic()
            while not (states := await _states(client)) or "CATCHING_UP" in states.values():
                if monotonic() - began > LONGEST_LAG or not elsewhere.runs:
                    self.run.found(wrong(f"after a restore: {states}, {elsewhere.last_word()}"))
                    return
                await asyncio.sleep(0.1)
            if {*states.values()} != {"LIVE"}:
                self.run.found(wrong(f"after a restore: {states}"))
            await self._send_an_old_token(elsewhere)
            await _load(self.run, elsewhere.url)
        finally:
            await elsewhere.stop()

    async def _send_an_old_token(self, elsewhere: Service) -> None:
        newest = self.shop.journal.acknowledged[-1].receipts[0]["token"]
        question = {"query": "{ products(first: 1) { totalCount } }"}
        headers = {"Consistency-Token": newest}
        began = monotonic()
        async with self.shop.http.post(f"{elsewhere.url}/graphql", json=question, headers=headers) as found:
            said = await found.text()
        if "BAD_TOKEN" not in said or monotonic() - began > AT_ONCE:
            self.run.found(wrong(f"a token of the store before was answered with {said}"))

    async def _check(self, url: str, data_dir: Path, head: int) -> None:
        """The rows are what the events make them, and the documents those of a rebuild."""
        books = await open_books(url)
        if books.head < head:
            self.run.found(wrong(f"the log ended at {head} in the backup, and ends at {books.head}"))
        self.run.found(*check_rows(books))
        async with AsyncExitStack() as opened:
            mongo = (await opened.enter_async_context(embedded_mongod(data_dir))).url
            await rebuild(url, mongo)
            self.run.found(*check_documents(await documents(mongo, LIVE), await documents(mongo, REBUILT)))

    async def _diptych(
        self, command: str, folder: Path, *options: str, data_dir: Path, **environment: str
    ) -> None:
        if data_dir == self.shop.service.data_dir and self.run.server:
            environment["DATABASE_URL"] = self.shop.write_store
        await _said(
            self.run,
            *("-m", "app", command, str(folder), *options, "--data-dir", str(data_dir)),
            **environment,
        )


async def _note_loaded(shop: Shop) -> None:
    """Has the journal know the loader's commands, whose ids are derived from the rows of the books."""
    async with open_database(shop.write_store) as engines, engines.reading.connect() as connection:
        for id in (await connection.execute(select(commands.c.command_id))).scalars():
            if id.version == DERIVED and id not in shop.journal.entries:
                shop.journal.write(id, "northwind", {})


async def _states(client: Client) -> dict[str, str]:
    try:
        answer = await client.ask(FRESHNESS)
    except Lost:  # It is not there yet.
        return {}
    return {each["readModel"]: each["state"] for each in (answer.data or {}).get("freshness", ())}


async def _load(run: Run, url: str) -> None:
    """Loads the books, or what is missing of them, and compares the sums."""
    arguments = (str(LOADER), "--data", str(BOOKS), "--url", f"{url}/graphql")
    await _said(run, *arguments, again_after=BUSY)


async def _said(run: Run, *command: str, again_after: str = "", **environment: str) -> None:
    """Runs Python with these arguments; it is found if that fails. It is repeated after one complaint."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        env={**os.environ, "NO_COLOR": "1", **environment},
    )
    said, _ = await process.communicate()
    if process.returncode and again_after and again_after in said.decode():
        await _said(run, *command, again_after=again_after, **environment)
    elif process.returncode:
        run.found(wrong(f"{' '.join(command)} exits with {process.returncode}: {said.decode()}"))
