"""Reads over connections of their own show what the driver's show, and leave to it all else."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import MongoClient
from pymongo.errors import NetworkTimeout, OperationFailure

from app.cqrs.documents.read_model import Document
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.codec import CODEC
from app.stores.mongo.embedded.mongod import embedded_mongod
from app.stores.mongo.reads import direct_reads, finding
from app.stores.mongo.reads.clients import Driver
from app.stores.mongo.reads.direct_reads import MOST_CONNECTIONS, DirectReads
from app.stores.mongo.reads.primary import Primary, PrimaryWatch
from app.stores.mongo.store import MongoReadStore, open_read_store
from tests.conftest import DATABASE
from tests.cqrs.notes import documents

FIND = {"find": documents.stored_as, "filter": {}, "sort": {"_id": 1}}

NOTES = [
    {
        "_id": f"{number:02}",
        "price": Decimal("12.50"),
        "at": datetime(2026, 1, 2, 3, 4, 5, 6000, UTC),
        "lines": [{"text": "é" * number, "none": None, "whole": 2**40}],
    }
    for number in range(30)
]


@pytest.fixture(params=["motor", "pymongo"])
def driver(request: pytest.FixtureRequest) -> Driver:
    which: Driver = request.param
    return which


@pytest.fixture(autouse=True)
async def thirty_notes(mongo: AsyncIOMotorDatabase[Document]) -> None:
    collection = mongo.get_collection(documents.stored_as, codec_options=CODEC)
    await collection.delete_many({})
    await collection.insert_many(NOTES)


@asynccontextmanager
async def watching(
    url: str, database: str = DATABASE, longest_call: float = 10
) -> AsyncIterator[DirectReads]:
    """Direct reads of the primary that a driver's heartbeats have found."""
    reads, found = DirectReads(url, database, longest_call), asyncio.Event()

    def primary_found(primary: Primary) -> None:
        reads.primary_found(primary)
        found.set()

    watch = PrimaryWatch(asyncio.get_running_loop(), reads.primary_lost, primary_found)
    with MongoClient[Document](url, event_listeners=[watch], heartbeatFrequencyMS=500):
        await found.wait()
        try:
            yield reads
        finally:
            reads.close()


async def first_cursor(reads: DirectReads, command: Any = FIND) -> Document:
    """What is read as soon as there is a connection: until then the driver is to read."""
    async with asyncio.timeout(20):
        while True:
            if cursor := await reads.cursor(command):
                return cursor
            await asyncio.sleep(0)


async def first_cursor_of(opened: MongoReadStore) -> Document:
    """The same for a store, whose driver looks for the primary at the first read."""
    await opened.find(documents, {})
    return await first_cursor(opened._direct)


async def stopped(process: Process) -> None:
    """Stop a process, and wait until none of its threads runs: until then it may still answer."""
    process.send_signal(SIGSTOP)
    async with asyncio.timeout(20):
        while True:
            if _is_stopped(process.pid):
                return
            await asyncio.sleep(0)


def _is_stopped(process: int) -> bool:
    stats = [(thread / "stat").read_text() for thread in Path(f"/proc/{process}/task").iterdir()]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


def connections(url: str) -> int:
    named = {"appName": "Diptych's reads"}
    all_of_them = {"$currentOp": {"allUsers": True, "idleConnections": True}}
    with MongoClient[Document](url) as client:
        return len(list(client.admin.aggregate([all_of_them, {"$match": named}])))


async def test_shows_the_values_that_the_driver_shows(mongo_url: str, driver: Driver) -> None:
    async with watching(mongo_url) as reads, open_read_store(mongo_url, DATABASE, driver) as by_driver:
        by_driver._direct.close()
        cursor = await first_cursor(reads)
        assert cursor["firstBatch"] == NOTES == await by_driver.find(documents, {}, sort=[("_id", 1)])
        assert type(cursor["firstBatch"][0]["price"]) is Decimal


async def test_leaves_a_reply_that_goes_on_to_the_driver(
    mongo_url: str, driver: Driver, monkeypatch: pytest.MonkeyPatch, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    monkeypatch.setattr(finding, "REPLY_DOCUMENTS", 4)
    async with open_read_store(mongo_url, DATABASE, driver) as opened:
        assert (await first_cursor_of(opened))["firstBatch"] == NOTES
        assert await opened.find(documents, {}, sort=[("_id", 1)]) == NOTES
        assert await opened.aggregate(documents, [{"$sort": {"_id": -1}}]) == NOTES[::-1]
        assert await opened.count(documents, {"_id": {"$gt": "09"}}) == 20
    open_cursors = (await mongo.command("serverStatus"))["metrics"]["cursor"]["open"]["total"]
    assert open_cursors == 0, "a cursor that the driver can't read on was left open"


async def test_reports_a_refused_command_as_the_driver_does(mongo_url: str, driver: Driver) -> None:
    async with open_read_store(mongo_url, DATABASE, driver) as opened:
        await first_cursor_of(opened)
        with pytest.raises(OperationFailure, match="unknown operator"):
            await opened.find(documents, {"a": {"$unheard": 1}})
        assert await first_cursor_of(opened), "the connection is still good"


async def test_a_reader_that_is_cancelled_takes_nobody_elses_answer(mongo_url: str) -> None:
    async with watching(mongo_url) as reads:
        await first_cursor(reads)
        for number in range(20):
            asking = asyncio.create_task(reads.cursor(FIND))
            await asyncio.sleep(0)
            asking.cancel()
            one = {**FIND, "filter": {"_id": f"{number:02}"}}
            assert (await first_cursor(reads, one))["firstBatch"] == [NOTES[number]]


@pytest.mark.campaign
async def test_readers_wait_for_a_connection_once_there_are_many(tmp_path: Path) -> None:
    async with embedded_mongod(tmp_path) as server, watching(server.url) as reads:
        for _ in range(20):
            await asyncio.gather(*(first_cursor(reads) for _ in range(100)))
        assert MOST_CONNECTIONS / 2 < connections(server.url) <= MOST_CONNECTIONS
        some = [asyncio.create_task(reads.cursor(FIND)) for _ in range(100)]
        await asyncio.sleep(0)
        for each in some[::2]:
            each.cancel()
        assert [bool(answer) for answer in await asyncio.gather(*some[1::2])] == [True] * 50


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://me:secret@localhost/",
        "mongodb://localhost/?tls=true",
        "mongodb://localhost/?ssl=true",
        "mongodb://localhost/?authMechanism=MONGODB-X509&tls=true",
        "mongodb+srv://cluster.example.org/",
    ],
)
async def test_leaves_servers_with_tls_or_authentication_to_the_driver(url: str, mongo_url: str) -> None:
    async with watching(mongo_url) as plain:
        await first_cursor(plain)
        assert plain._primary
        reads = DirectReads(url, DATABASE, 10)
        reads.primary_found(plain._primary)
        assert await reads.cursor(FIND) is None
        assert reads._opening is None


async def test_reads_from_no_process_but_the_one_that_the_driver_has_seen(
    mongo_url: str, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    """Another one may have taken its place, with older documents."""
    async with watching(mongo_url) as reads:
        await first_cursor(reads)
        seen = reads._primary
        assert seen
        reads.primary_found(Primary(seen.address, ObjectId()))
        for _ in range(3):
            assert await reads.cursor(FIND) is None
            if reads._opening:
                await asyncio.wait([reads._opening])
        assert reads._open == set()
        reads.primary_found(seen)
        reads._open_from = 0
        assert await first_cursor(reads)


@pytest.mark.campaign
async def test_the_driver_reads_what_was_under_way_when_the_primary_was_lost(
    tmp_path: Path, driver: Driver
) -> None:
    left_open, told = list[int](), asyncio.Event()
    async with AsyncExitStack() as running:
        server = await running.enter_async_context(embedded_mongod(tmp_path))

        def lost() -> None:
            left_open.append(len(opened._direct._open))
            told.set()

        opened = await running.enter_async_context(open_read_store(server.url, "test", driver, lost=lost))
        await first_cursor_of(opened)
        await stopped(server.process)
        under_way = asyncio.create_task(opened._direct.cursor(FIND))
        await asyncio.sleep(0)
        server.process.kill()
        assert await under_way is None
        await server.process.wait()
        async with asyncio.timeout(20):
            await told.wait()
        assert left_open == [0]
        server = await running.enter_async_context(embedded_mongod(tmp_path))
        assert await opened.find(documents, {}) == []
        assert await first_cursor_of(opened)


@pytest.mark.campaign
async def test_a_primary_that_has_stepped_down_is_not_read(tmp_path: Path, driver: Driver) -> None:
    async with (
        embedded_mongod(tmp_path) as server,
        open_read_store(server.url, "test", driver) as opened,
    ):
        await first_cursor_of(opened)
        with MongoClient[Document](server.url) as client:
            client.admin.command({"replSetStepDown": 2, "force": True})
            assert await opened._direct.cursor(FIND) is None
        async with asyncio.timeout(30):
            while True:
                with suppress(ReadStoreUnavailable):
                    await first_cursor_of(opened)
                    break


async def test_a_server_that_hangs_fails_the_read_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct_reads, "CHECK_SECONDS", 0.05)
    async with embedded_mongod(tmp_path) as server, watching(server.url, longest_call=0.3) as reads:
        await first_cursor(reads)
        await stopped(server.process)
        try:
            with pytest.raises(NetworkTimeout):
                await reads.cursor(FIND)
        finally:
            server.process.send_signal(SIGCONT)
        assert await first_cursor(reads), "it recovers"


async def test_a_large_reply_arrives_whole(mongo_url: str, mongo: AsyncIOMotorDatabase[Document]) -> None:
    large = [{"_id": f"{uuid4()}", "text": "x" * 1_000_000} for _ in range(5)]
    await mongo[documents.stored_as].delete_many({})
    await mongo[documents.stored_as].insert_many(large)
    async with watching(mongo_url) as reads:
        cursor = await first_cursor(reads, {**FIND, "sort": {"$natural": 1}})
        assert cursor["firstBatch"] == large


async def test_a_server_outside_a_replica_set_is_left_to_the_driver() -> None:
    hello = {"isWritablePrimary": True, "topologyVersion": {"processId": ObjectId(), "counter": 0}}
    assert Primary.of(("one", 27017), hello) is None
    assert Primary.of(("one", 27017), {**hello, "setName": "rs"})
    assert Primary.of(("one", 27017), {"isWritablePrimary": True, "setName": "rs"}) is None
