"""Which MongoDB is refused at the start, and what is said of it; each of them is a real mongod."""

import asyncio
import os
import socket
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from app.cqrs.documents.read_model import Document
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.embedded.mongod import _accepts_connections, die_with
from app.stores.mongo.embedded.mongod_binary import find_mongod
from app.stores.mongo.fitness import FORMAT, hosts_of
from app.stores.mongo.store import open_read_store
from tests.conftest import DATABASE

QUICKLY = 8
"""Seconds in which a start must have failed; it takes about two."""


@asynccontextmanager
async def mongod_of_somebody(folder: Path, *options: str) -> AsyncIterator[str]:
    """A mongod as somebody else starts one; gives the address in its URL."""
    binary = find_mongod()
    process = await asyncio.create_subprocess_exec(
        *(str(binary.path), "--dbpath", str(folder), "--bind_ip", str(folder / "m.sock"), "--nounixsocket"),
        *("--wiredTigerCacheSizeGB", "0.25", *options),
        stdout=DEVNULL,
        env=binary.environment(folder),
        cwd=folder,
        preexec_fn=die_with(os.getpid()),
    )
    try:
        await _accepts_connections(process, folder / "m.sock")
        yield quote_plus(str(folder / "m.sock"))
    finally:
        process.terminate()
        await process.wait()


async def refusal_of(url: str) -> str:
    """What is said of the MongoDB at a URL."""
    async with asyncio.timeout(QUICKLY), open_read_store(url, "shop") as store:
        with pytest.raises(ReadStoreUnavailable) as refused:
            await store.refuse_if_unfit()
    return str(refused.value)


async def test_one_that_is_ready_is_taken_and_the_probe_leaves_nothing_behind(mongo_url: str) -> None:
    async with open_read_store(mongo_url, "never-written-to") as store:
        await store.refuse_if_unfit()
        await store.probe()
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(mongo_url)
    assert "never-written-to" not in await client.list_database_names()
    client.close()


async def test_many_who_probe_at_once_are_in_nobodys_way(mongo_url: str) -> None:
    async with open_read_store(mongo_url, "new-to-all") as store:
        await asyncio.gather(*(store.probe() for _ in range(16)))


async def test_nobody_answers() -> None:
    said = await refusal_of("mongodb://ada:secret@127.0.0.1:1/?replicaSet=rs0")
    assert said.startswith("No MongoDB answers as a primary at 127.0.0.1:1: 127.0.0.1:1: ")
    assert "Connection refused" in said
    assert "MONGODB_URL" in said
    assert "secret" not in said
    assert "Topology" not in said


async def test_somebody_answers_who_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = await refusal_of(f"mongodb://127.0.0.1:{silent.getsockname()[1]}/")
    assert "does not answer" in said or "timed out" in said


@pytest.mark.parametrize("options", ["", "directConnection=true"])
async def test_a_standalone_server(tmp_path: Path, options: str) -> None:
    async with mongod_of_somebody(tmp_path) as address:
        said = await refusal_of(f"mongodb://{address}/?{options}")
    assert f"The MongoDB at {address} is a standalone server" in said
    assert "--replSet" in said
    assert "MONGODB_URL" in said


async def test_a_standalone_server_that_is_taken_for_a_replica_set(tmp_path: Path) -> None:
    async with mongod_of_somebody(tmp_path) as address:
        said = await refusal_of(f"mongodb://{address}/?replicaSet=rs0")
    assert "rs0" in said
    assert "MONGODB_URL" in said


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("options", "words"), [("", "needs rs.initiate() once"), ("directConnection=true", "was never initiated")]
)
async def test_a_replica_set_that_nobody_has_initiated(tmp_path: Path, options: str, words: str) -> None:
    async with mongod_of_somebody(tmp_path, "--replSet", "rs0") as address:
        assert words in await refusal_of(f"mongodb://{address}/?{options}")


@pytest.mark.campaign
async def test_a_user_who_may_only_read(tmp_path: Path) -> None:
    folder = tmp_path / "mongo"
    folder.mkdir()
    key = tmp_path / "key"
    key.write_text("c2VjcmV0")
    key.chmod(0o600)
    async with mongod_of_somebody(folder, "--replSet", "rs0", "--auth", "--keyFile", str(key)) as address:
        alone = f"mongodb://{address}/?directConnection=true"
        await initiated(alone, folder)
        await made_users(alone)
        reader = f"mongodb://reader:pencil@{address}/?directConnection=true&authSource=admin"
        said = await refusal_of(reader)
        assert f"The MongoDB at {address} refuses what Diptych needs: not authorized on shop" in said
        assert "pencil" not in said
        async with open_read_store(reader, "shop") as store:
            with pytest.raises(ReadStoreUnavailable, match="when its operator has fixed that"):
                await store.probe()
        wrong = await refusal_of(reader.replace("pencil", "eraser"))
        assert "Authentication failed" in wrong
        assert "eraser" not in wrong


async def initiated(url: str, folder: Path) -> None:
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(url)
    members = [{"_id": 0, "host": str(folder / "m.sock")}]
    await client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
    while not (await client.admin.command("hello"))["isWritablePrimary"]:
        pass
    client.close()


async def made_users(url: str) -> None:
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(url)
    await client.admin.command("createUser", "root", pwd="root", roles=["root"])
    client.close()
    client = AsyncIOMotorClient(url, username="root", password="root")
    await client.admin.command("createUser", "reader", pwd="pencil", roles=["readAnyDatabase"])
    client.close()


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("mongodb://ada:secret@one:27017,two/shop?replicaSet=rs0", "one:27017,two"),
        ("mongodb+srv://ada:p%40ss@cluster.example", "cluster.example"),
        ("mongodb://%2Ftmp%2Fmongod.sock/?directConnection=true", "%2Ftmp%2Fmongod.sock"),
    ],
)
def test_hosts_are_named_without_the_password(url: str, hosts: str) -> None:
    assert hosts_of(url) == hosts


async def test_a_probe_tells_of_a_store_that_takes_no_writes(
    mongo: AsyncIOMotorDatabase[Document], mongo_url: str
) -> None:
    async with open_read_store(mongo_url, DATABASE) as store:
        await mongo.client.admin.command({"setUserWriteBlockMode": 1, "global": True})
        try:
            with pytest.raises(ReadStoreUnavailable, match="execute the command now"):
                await store.probe()
        finally:
            await mongo.client.admin.command({"setUserWriteBlockMode": 1, "global": False})
        await store.probe()


async def test_documents_that_a_newer_version_has_made_say_so(
    mongo: AsyncIOMotorDatabase[Document], mongo_url: str
) -> None:
    async with open_read_store(mongo_url, DATABASE) as store:
        await asyncio.gather(*(store.refuse_if_newer() for _ in range(4)))
        assert await mongo["format"].find().to_list(None) == [{"_id": "read store", "version": FORMAT}]
        await mongo["format"].update_one({}, {"$set": {"version": FORMAT + 1}})
        with pytest.raises(
            ReadStoreUnavailable, match=f"format is {FORMAT + 1}, and(.|\\n)*MONGODB_DATABASE"
        ):
            await store.refuse_if_newer()
    await mongo["format"].drop()
