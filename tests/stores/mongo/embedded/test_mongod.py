"""The embedded mongod is the real one throughout."""

import asyncio
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo.write_concern import WriteConcern

from app.stores.mongo.embedded import mongod as mongod_module
from app.stores.mongo.embedded.mongod import Mongod, embedded_mongod, is_in_use
from app.stores.mongo.embedded.mongod_binary import (
    MongodBinary,
    MongodError,
    MongodNotFoundError,
    find_mongod,
)

pytestmark = pytest.mark.campaign

SERVICE = """
import asyncio, sys
from pathlib import Path
from app.stores.mongo.embedded.mongod import embedded_mongod

async def serve():
    async with embedded_mongod(Path(sys.argv[1])) as mongod:
        print(mongod.process.pid, mongod.url, flush=True)
        await asyncio.Event().wait()

asyncio.run(serve())
"""


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Mongod, Path]]:
    data_dir = tmp_path_factory.mktemp("data")
    async with embedded_mongod(data_dir) as mongod:
        yield mongod, data_dir


@contextmanager
def client_of(url: str) -> Iterator[AsyncIOMotorClient[dict[str, Any]]]:
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(url, serverSelectionTimeoutMS=5000)
    try:
        yield client
    finally:
        client.close()


def notes_in(client: AsyncIOMotorClient[dict[str, Any]]) -> AsyncIOMotorCollection[dict[str, Any]]:
    return client["desk"].get_collection("notes", write_concern=WriteConcern("majority", j=True))


async def write_note(url: str) -> None:
    with client_of(url) as client:
        await notes_in(client).insert_one({"_id": 1, "text": "kept"})


async def read_note(url: str) -> Any:
    with client_of(url) as client:
        note = await notes_in(client).find_one({"_id": 1})
        return note and note["text"]


async def kill(mongod: Mongod) -> None:
    mongod.process.kill()
    await mongod.process.wait()


async def test_takes_transactions_that_are_journaled_by_the_majority(running: tuple[Mongod, Path]) -> None:
    with client_of(running[0].url) as client:
        orders, checkpoints = client["desk"]["orders"], client["desk"]["checkpoints"]
        async with (
            await client.start_session() as session,
            session.start_transaction(write_concern=WriteConcern("majority", j=True)),
        ):
            await orders.insert_one({"_id": 1}, session=session)
            await checkpoints.insert_one({"_id": "orders", "position": 7}, session=session)
        assert await orders.count_documents({}) == 1
        assert await checkpoints.find_one() == {"_id": "orders", "position": 7}


async def test_has_no_tcp_socket_at_all(running: tuple[Mongod, Path]) -> None:
    process = Path("/proc", str(running[0].process.pid))
    opened = set()
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # mongod has closed this one since the folder was listed.
            opened.add(os.readlink(descriptor))
    sockets = {name.removeprefix("socket:[").rstrip("]") for name in opened if name.startswith("socket:")}
    tables = [(process / "net" / table).read_text().splitlines()[1:] for table in ("tcp", "tcp6")]
    tcp = {line.split()[9] for table in tables for line in table}
    assert sockets, "it has its unix socket, or this test looks in the wrong place"
    assert not sockets & tcp


async def test_is_reached_through_one_socket_in_a_folder_that_is_private(
    running: tuple[Mongod, Path],
) -> None:
    mongod, data_dir = running
    with client_of(mongod.url) as client:
        options = (await client.admin.command("getCmdLineOpts"))["parsed"]
    assert options["net"]["bindIp"] == "./mongod.sock"
    assert options["net"]["unixDomainSocket"] == {"enabled": False}
    assert (data_dir / "mongo" / "mongod.sock").is_socket()
    assert (data_dir / "mongo").stat().st_mode & 0o777 == 0o700


async def test_is_out_of_reach_of_ctrl_c(running: tuple[Mongod, Path]) -> None:
    assert os.getpgid(running[0].process.pid) != os.getpgid(0)


async def test_refuses_a_folder_in_use_and_leaves_its_mongod_alone(
    running: tuple[Mongod, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongod_module, "_LOCK_LIMIT", 0.05)
    mongod, data_dir = running
    with pytest.raises(MongodError, match=f"Another Diptych uses this data folder: {data_dir}\n.*--data-dir"):
        async with embedded_mongod(data_dir):
            pass
    assert await read_note(mongod.url) is None  # a new connection: its socket is still its own


async def test_keeps_documents_over_a_restart_in_another_place(tmp_path: Path) -> None:
    async with embedded_mongod(tmp_path / "here") as mongod:
        await write_note(mongod.url)
    assert mongod.process.returncode == 0
    (tmp_path / "here").rename(tmp_path / "th@re, 100 % é")
    async with embedded_mongod(tmp_path / "th@re, 100 % é") as mongod:
        assert await read_note(mongod.url) == "kept"
        await kill(mongod)


async def test_keeps_documents_when_mongod_is_killed(tmp_path: Path) -> None:
    async with embedded_mongod(tmp_path) as mongod:
        await write_note(mongod.url)
        await kill(mongod)
    async with embedded_mongod(tmp_path) as mongod:
        assert await read_note(mongod.url) == "kept"
        await kill(mongod)


async def test_ends_with_a_service_that_is_killed_and_the_next_start_works_at_once(tmp_path: Path) -> None:
    service = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVICE, tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert service.stdout
    pid, url = (await service.stdout.readline()).decode().split()
    orphan = os.pidfd_open(int(pid))
    try:
        await write_note(url)
        service.kill()
        await service.wait()
        async with embedded_mongod(tmp_path) as mongod:
            assert await read_note(mongod.url) == "kept"
            await kill(mongod)
        assert select.select([orphan], [], [], 5)[0], "the killed service's mongod is still there"
    finally:
        os.close(orphan)


async def test_ends_by_force_when_it_does_not_end_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongod_module, "_STOP_LIMIT", 0.05)
    async with embedded_mongod(tmp_path) as mongod:
        mongod.process.send_signal(signal.SIGSTOP)
    assert mongod.process.returncode == -signal.SIGKILL


async def test_works_at_the_end_of_a_long_path_and_leaves_no_link_behind(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30)
    async with embedded_mongod(data_dir) as mongod:
        link = Path(unquote_plus(mongod.url.removeprefix("mongodb://").partition("/?")[0])).parent
        assert link.resolve() == data_dir / "mongo"
        await write_note(mongod.url)
        await kill(mongod)
    assert not link.parent.exists()
    data_dir.rename(tmp_path / "short")
    async with embedded_mongod(tmp_path / "short") as mongod:
        assert await read_note(mongod.url) == "kept"
        await kill(mongod)


async def test_works_where_temporary_files_have_a_long_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / ("temporary" * 9)
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    async with embedded_mongod(tmp_path / ("long" * 30)) as mongod:
        await write_note(mongod.url)


async def test_says_why_mongod_did_not_start(tmp_path: Path) -> None:
    (tmp_path / "mongo").mkdir()
    (tmp_path / "mongo" / "storage.bson").write_bytes(b"no BSON")
    folder = re.escape(str(tmp_path / "mongo"))
    with pytest.raises(
        MongodError, match=rf"exit code 14(.|\n)*InvalidBSON(.|\n)*damaged, move {folder} away"
    ):
        async with embedded_mongod(tmp_path):
            pass


def test_a_folder_that_can_not_be_looked_into_is_named(tmp_path: Path) -> None:
    (tmp_path / "mongo").mkdir()
    assert not is_in_use(tmp_path)
    (tmp_path / "mongo" / "diptych.lock").symlink_to("diptych.lock")
    with pytest.raises(MongodError, match=r"Can't tell whether a service runs on .*: Too many levels"):
        is_in_use(tmp_path)


async def test_says_so_when_the_data_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(MongodError, match=r"data: Not a directory\.\n.*--data-dir"):
        async with embedded_mongod(tmp_path / "data"):
            pass


def test_names_three_ways_out_when_there_is_no_mongod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MongodNotFoundError) as refusal:
        find_mongod()
    for words in ("MONGOD_BIN: no mongod", "wheel: no mongod", "PATH: no mongod"):
        assert words in str(refusal.value)
    for way_out in ("pip install 'diptych[mongod]'", "set MONGOD_BIN", "set MONGODB_URL"):
        assert way_out in str(refusal.value)


def test_prefers_the_mongod_that_was_asked_for_then_the_wheels_then_the_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = find_mongod().path
    assert wheels.parts[-4:] == ("fiftyone", "db", "bin", "mongod")
    (tmp_path / "mongod").symlink_to(wheels)
    assert find_mongod(str(tmp_path / "mongod")).path == tmp_path / "mongod"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_mongod().path == wheels
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert find_mongod().path == tmp_path / "mongod"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (
            "#!/bin/sh\necho 'libcurl.so.4: no such file' >&2; exit 127",
            "failed on --version: libcurl.so.4: no such file",
        ),
        ("#!/bin/sh\nkill -ILL $$", "was ended by SIGILL"),
        ("#!/bin/sh\nexit 3", "failed on --version: exit code 3"),
        ("#!/bin/sh\necho hello", "does not answer --version as a mongod does"),
        ("#!/no/such/interpreter", "can't be started: No such file or directory"),
    ],
)
def test_says_why_a_mongod_can_not_run(program: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "mongod").write_text(program)
    (tmp_path / "mongod").chmod(0o700)
    with pytest.raises(MongodNotFoundError) as refusal:
        find_mongod(str(tmp_path / "mongod"))
    assert f"MONGOD_BIN: {tmp_path}/mongod" in str(refusal.value)
    assert reason in str(refusal.value)


def test_says_so_when_the_mongod_that_was_asked_for_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MongodNotFoundError, match="missing can't be started: No such file or directory"):
        find_mongod(str(tmp_path / "missing"))


@pytest.fixture
def without_libcurl(tmp_path: Path) -> tuple[str, ...]:
    """Return the beginning of a command that runs where the system has no libcurl, as a bare Debian."""
    namespace = ("unshare", "--mount", *(() if os.getuid() == 0 else ("--map-root-user",)))
    scratch = tmp_path / "hidden"
    scratch.mkdir()
    alone = (*namespace, "bash", str(Path(__file__).with_name("hide_libcurl.sh")), str(scratch))
    try:
        tried = subprocess.run((*alone, "true"), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("hiding the system's libcurl takes Linux's unshare (package util-linux)")
    if tried.returncode != 0:
        pytest.skip(f"hiding the system's libcurl takes the right to mount: {tried.stderr.strip()}")
    return alone


def libcurls_of(pid: str) -> set[str]:
    """Return the names of the folders that a process has its libcurl from."""
    files = (line.split()[-1] for line in Path("/proc", pid, "maps").read_text().splitlines())
    return {Path(file).parent.name for file in files if "/libcurl" in file}


async def test_a_mongod_borrows_a_libcurl_where_the_system_has_none(
    tmp_path: Path, without_libcurl: tuple[str, ...]
) -> None:
    command = (*without_libcurl, sys.executable, "-c", SERVICE, str(tmp_path / "a:b"))
    service = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert service.stdout is not None
    try:
        pid, url = (await service.stdout.readline()).decode().split()
        await write_note(url)
        assert await read_note(url) == "kept"
        assert libcurls_of(pid) == {"pycurl.libs"}
    finally:
        service.terminate()
        await service.wait()


def test_the_systems_libcurl_is_used_where_there_is_one() -> None:
    """On such a system the tests of this module run, but for the one above."""
    probe = subprocess.run((find_mongod().path, "--version"), capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("this system has no libcurl: apt-get install libcurl4")
    assert find_mongod() == MongodBinary(path=find_mongod().path)
