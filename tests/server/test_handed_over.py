"""A listening socket that another process holds: nobody is refused while the service starts again."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM

import httpx
import pytest

from app.config import Settings
from app.server.listening import CannotListen, listen
from tests.service import running

pytestmark = pytest.mark.campaign

CLIENTS = 4
"""Half of them keep their connections, and half open one for each request."""


@pytest.fixture
def held() -> Iterator[socket.socket]:
    """A listening socket, as systemd opens one before it starts a service."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


async def test_nobody_is_refused_or_cut_off_while_the_service_starts_again(
    held: socket.socket, tmp_path: Path, mongo_url: str
) -> None:
    url = f"http://127.0.0.1:{held.getsockname()[1]}/health/live"
    answered = [0] * CLIENTS
    ended, more = asyncio.Event(), asyncio.Event()

    async def until_each_has(counts: list[int]) -> None:
        while not all(now > before for now, before in zip(answered, counts, strict=True)):
            more.clear()
            await more.wait()

    async def client(number: int) -> None:
        kept = httpx.Limits(max_keepalive_connections=number % 2)
        async with httpx.AsyncClient(timeout=60, limits=kept) as http:
            while not ended.is_set():
                assert (await http.get(url)).status_code == 200
                answered[number] += 1
                more.set()

    environment = {"MONGODB_URL": mongo_url, "MONGODB_DATABASE": tmp_path.name}
    async with asyncio.TaskGroup() as clients:
        async with running(tmp_path, handed_over=str(held.fileno()), **environment) as service:
            assert f":{held.getsockname()[1]}/" in service.announced
            each = [clients.create_task(client(number)) for number in range(CLIENTS)]
            await until_each_has([0] * CLIENTS)
            await service.stop(SIGTERM)
        before = [*answered]
        async with running(tmp_path, handed_over=str(held.fileno()), **environment):
            await until_each_has(before)
            ended.set()
            await asyncio.wait(each)  # Who connects when it stops would wait for one that never starts.


@pytest.fixture
def inherited(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Has this process look as if it had been started with one socket."""
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    yield monkeypatch
    assert not {"LISTEN_PID", "LISTEN_FDS"} & {*os.environ}, "processes that are started would take them, too"


def test_several_sockets_are_refused(inherited: pytest.MonkeyPatch) -> None:
    inherited.setenv("LISTEN_FDS", "2")
    with pytest.raises(CannotListen, match="2 sockets were handed over"):
        listen(Settings())


def test_a_socket_that_is_none_of_tcp_is_refused(inherited: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    inherited.setattr("app.server.listening.HANDED_OVER", ours.detach())
    with pytest.raises(CannotListen, match="none of TCP"):
        listen(Settings())


def test_an_open_service_refuses_a_socket_that_others_reach(inherited: pytest.MonkeyPatch) -> None:
    everywhere = socket.create_server(("0.0.0.0", 0))
    inherited.setattr("app.server.listening.HANDED_OVER", everywhere.detach())
    with pytest.raises(CannotListen, match="everybody who reaches it"):
        listen(Settings())


def test_what_was_handed_over_to_another_process_is_left_alone(inherited: pytest.MonkeyPatch) -> None:
    inherited.setenv("LISTEN_PID", "1")
    with listen(Settings(port=0)) as own:
        assert own.getsockname()[0] == "127.0.0.1"
