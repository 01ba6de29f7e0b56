"""The service as a process: how it starts, and that nothing is left of it when it ends."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from app.declared import READ_MODELS
from tests.schema.client import Client, Stream
from tests.service import Service, running

pytestmark = pytest.mark.campaign

HALF_A_REQUEST = (
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
)
WATCH = "subscription { readModelUpdates { __typename } }"


@asynccontextmanager
async def client_of(service: Service) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(timeout=20) as http:
        yield Client(service.url, http)


async def number_of(client: Client, what: str, token: str | None = None) -> int:
    count: int = (await client.send(f"{{ {what} {{ totalCount }} }}", token=token)).data[what]["totalCount"]
    return count


async def until_closed(stream: Stream) -> int | None:
    """The code that the service closes a websocket with."""
    try:
        while True:
            await stream.message()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def until_gone(process: int) -> None:
    """Waits for the end of a process that is not our child."""
    handle = os.pidfd_open(process)
    try:
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(handle, ended.set)
        async with asyncio.timeout(15):
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)


async def test_fills_an_empty_store_once_and_survives_being_killed(tmp_path: Path) -> None:
    async with running(tmp_path) as service, client_of(service) as client:
        assert "It now holds a demo shop: 48 products, 40 customers, 160 orders." in service.announced
        assert str(tmp_path / "write.db") in service.announced
        assert f"playground  {service.url}/graphql" in service.announced
        assert f"operations  {service.url}/admin" in service.announced
        price = {"amount": "1.00"}
        added = await client.mutate("addProduct", "", sku="A", name="A", category="C", unitPrice=price)
        gone = asyncio.create_task(until_gone(service.mongod))
        await asyncio.sleep(0)
        await service.stop(SIGKILL)
        await gone
    async with running(tmp_path) as service, client_of(service) as client:
        assert "demo shop" not in service.announced
        token = added["receipt"]["token"]
        assert await number_of(client, "products", token=token) == 49
        assert await number_of(client, "orders", token=token) == 160


@pytest.mark.parametrize("name", ["é" * 125, "a?b=c#d%20e & f"])
async def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    async with running(folder, "--no-demo") as service, client_of(service) as client:
        assert f"SQLite, {folder}/write.db\n" in service.announced
        await client.mutate("registerCustomer", "customer { id }", name="Ada")
        await service.stop(SIGTERM)
    assert sorted(os.listdir(folder)) == ["keys.db", "mongo", "write.db"]
    assert os.listdir(tmp_path) == [name]


async def test_nobody_but_its_owner_may_read_the_write_store(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running(folder, "--no-demo") as service, client_of(service) as client:
        await client.mutate("registerCustomer", "customer { id }", name="Ada")
        assert permissions_in(folder) == dict.fromkeys(("write.db", "write.db-wal", "write.db-shm"), 0o600)
        assert folder.stat().st_mode & 0o777 == 0o700
        await service.stop(SIGKILL)
    for file in folder.glob("write.db*"):
        file.chmod(0o644)
    async with running(folder, "--no-demo"):
        assert set(permissions_in(folder).values()) == {0o600}


async def test_a_path_that_is_too_long_for_sqlite_is_called_that(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 250) / ("y" * 250)
    with pytest.raises(AssertionError, match=r"write\.db\): File name too long"):
        async with running(folder, "--no-demo"):
            pass


def permissions_in(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.glob("write.db*")}


@pytest.mark.parametrize(("option", "orders"), [((), 0), (("--demo",), 160)])
async def test_a_store_that_is_not_its_own_gets_a_demo_shop_only_if_asked(
    tmp_path: Path, postgres_url: str, option: tuple[str, ...], orders: int
) -> None:
    settings = {"DATABASE_URL": postgres_url}
    async with running(tmp_path, *option, **settings) as service, client_of(service) as client:
        assert ("demo shop" in service.announced) == bool(orders)
        added = await client.mutate("registerCustomer", "", name="Ada")
        assert await number_of(client, "orders", token=added["receipt"]["token"]) == orders


async def test_documents_elsewhere_get_no_demo_shop_unasked(tmp_path: Path, mongo_url: str) -> None:
    settings = {"MONGODB_URL": mongo_url, "MONGODB_DATABASE": "elsewhere"}
    async with running(tmp_path, **settings) as service:
        assert "demo shop" not in service.announced


@pytest.mark.parametrize("signal", [SIGINT, SIGTERM])
async def test_stops_in_order_whoever_is_connected(tmp_path: Path, signal: int) -> None:
    async with AsyncExitStack() as open_, running(tmp_path, "--no-demo") as service:
        client = await open_.enter_async_context(client_of(service))
        streams = [await open_.enter_async_context(client.subscribe(WATCH)) for _ in range(3)]
        for stream in streams:
            await stream.next()
        address = service.url.removeprefix("http://").split(":")
        undecided = open_.enter_context(socket.create_connection((address[0], int(address[1]))))
        undecided.sendall(HALF_A_REQUEST)

        async with asyncio.timeout(15):
            said = await service.stop(signal)  # type: ignore[arg-type]

        assert service.process.returncode == 0
        assert "Stopped." in said
        assert "Traceback" not in said
        assert "destroyed" not in said
        assert [await until_closed(stream) for stream in streams] == [1012] * 3
        assert not is_alive(service.mongod)


async def test_takes_what_another_process_writes_beside_it(tmp_path: Path) -> None:
    async with running(tmp_path, "--no-demo") as service, client_of(service) as client:
        async with client.subscribe(WATCH) as stream:
            await stream.next()
            await run(
                "demo", "--products", "3", "--customers", "1", "--orders", "0", "--data-dir", str(tmp_path)
            )
            async with asyncio.timeout(20):
                while await stream.next() != {"__typename": "DocumentChanged"}:
                    pass
        said = await run("projections", "--url", f"{service.url}/graphql")
        assert said.count("\n") == 1 + len(READ_MODELS), "a heading and a line for each read model"


async def test_starts_its_mongod_again_when_that_is_killed(tmp_path: Path) -> None:
    async with running(tmp_path, "--no-demo") as service, client_of(service) as client:
        await client.mutate("registerCustomer", "customer { id }", name="Before")
        os.kill(service.mongod, SIGKILL)
        added = await client.mutate("registerCustomer", "", name="After")
        assert added["errors"] == [], "commands need no read store"
        answer = None
        async with asyncio.timeout(30):
            while answer is None or answer.codes:
                answer = await client.send("{ customers { nodes { name } } }")
        assert answer.data == {"customers": {"nodes": [{"name": "After"}, {"name": "Before"}]}}


async def run(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", *arguments), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()
