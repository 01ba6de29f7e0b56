"""The embedded read store: a real mongod, a replica set of one node, reachable over a unix socket only.

Three things make it easy to live with:
- mongod runs *in* its folder and knows itself as `./mongod.sock`, so the folder can be moved;
- it inherits a lock on the folder, so the lock lasts exactly as long as the process that writes there;
- it dies with the service that started it (on Linux), even when that one is killed.
"""

import asyncio
import ctypes
import fcntl
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, BinaryIO
from urllib.parse import quote_plus

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import OperationFailure, PyMongoError

from app.stores.mongo.mongod_binary import MongodBinary, MongodError, find_mongod

# In seconds.
_LOCK_LIMIT = 3.0  # a predecessor that was killed is gone within milliseconds
_START_LIMIT = 30.0
_STOP_LIMIT = 3.0
_TICK = 0.01

_LOG = "mongod.log"
_SOCKET = "mongod.sock"
_LONGEST_PARENT = 60  # bytes; leaves enough for the socket behind a link in a folder of its own
_SOCKET_PATH_LIMIT = 103  # bytes: macOS takes no more, Linux 107
_REPLICA_SET = {"_id": "diptych", "members": [{"_id": 0, "host": f"./{_SOCKET}"}]}
_ALREADY_INITIALIZED = 23
_PR_SET_PDEATHSIG = 1

_ENGINE = ",".join(
    (
        "log=(prealloc=false,file_max=16MB)",  # 17 MB when new, not 315
        # One event may change very many documents in one transaction, which has to fit into the cache: by
        # default it is given up when it fills a tenth, some 30,000 documents.
        *("eviction_updates_trigger=80", "eviction_dirty_trigger=80"),
    )
)
_OPTIONS = (
    *("--bind_ip", f"./{_SOCKET}"),  # a path and nothing else, so that no TCP port is opened
    "--nounixsocket",  # leaves out the second socket, in /tmp
    *("--replSet", "diptych"),
    *("--oplogSize", "256"),  # MB; the default is 5 % of the disk, for secondaries that don't exist
    *("--wiredTigerCacheSizeGB", "0.25"),
    *("--wiredTigerEngineConfigString", _ENGINE),
    *("--networkMessageCompressors", "disabled"),  # CVE-2025-14847 is in one of them
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),  # up to 200 MB that nobody reads
    "--quiet",
)


@dataclass(frozen=True, kw_only=True)
class Mongod:
    """A mongod that takes writes: `url` for its clients, `process` to notice its end."""

    url: str
    process: asyncio.subprocess.Process

    async def stop(self) -> None:
        """End mongod in order, or by force after 3 seconds; can be repeated."""
        if self.process.returncode is not None:
            return
        try:
            self.process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_LIMIT):
                    await self.process.wait()
        finally:  # also when this very wait is cancelled
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()


@asynccontextmanager
async def embedded_mongod(data_dir: Path, mongod_bin: str | None = None) -> AsyncIterator[Mongod]:
    """Run mongod on `data_dir`/mongo while the block lasts; raises MongodError, whose text says what to do.

    On Linux mongod also ends when the thread that entered the block does.
    """
    binary = await asyncio.to_thread(find_mongod, mongod_bin)
    async with AsyncExitStack() as cleanup:
        try:
            folder = _private_folder(data_dir)
            socket = cleanup.enter_context(_short_path_to(folder)) / _SOCKET
            process = await _spawn(binary, folder)
        except OSError as error:
            raise MongodError(
                f"Can't run {binary.path} on {data_dir}: {error.strerror}.\n"
                "Mend that, or choose another folder with --data-dir."
            ) from error
        mongod = Mongod(url=f"mongodb://{quote_plus(str(socket))}/?directConnection=true", process=process)
        cleanup.push_async_callback(mongod.stop)
        await _become_primary(mongod, socket, folder / _LOG)
        yield mongod


def _private_folder(data_dir: Path) -> Path:
    folder = data_dir.absolute() / "mongo"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


@contextmanager
def _short_path_to(folder: Path) -> Iterator[Path]:
    """Yield a path to the folder that is short enough for its socket: itself, or else a link."""
    if len(os.fsencode(folder / _SOCKET)) <= _SOCKET_PATH_LIMIT:
        yield folder
        return
    # The usual folder for temporary files may have a long name, too.
    parent = "/tmp" if len(os.fsencode(gettempdir())) > _LONGEST_PARENT else None  # noqa: S108
    with TemporaryDirectory(prefix="diptych-", dir=parent) as private:
        link = Path(private, "mongo")
        link.symlink_to(folder, target_is_directory=True)
        yield link


async def _spawn(binary: MongodBinary, folder: Path) -> asyncio.subprocess.Process:
    lock = os.open(folder / "diptych.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await _take(lock, folder.parent)
        with _new_log(folder / _LOG) as log:
            return await asyncio.create_subprocess_exec(
                *(binary.path, "--dbpath", folder, *_OPTIONS),
                cwd=folder,
                env=binary.environment(folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C is for the service, which stops mongod last
                preexec_fn=die_with(os.getpid()) if sys.platform == "linux" else None,
            )
    finally:
        os.close(lock)  # mongod's copy holds it from here on


async def _take(lock: int, data_dir: Path) -> None:
    # mongod's own lock is no help: a second mongod takes the first one's socket away before it looks at it.
    deadline = time.monotonic() + _LOCK_LIMIT
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise MongodError(
                    f"Another Diptych uses this data folder: {data_dir}\n"
                    "Stop it, or choose another folder with --data-dir."
                ) from None
            await asyncio.sleep(_TICK)


def _new_log(log: Path) -> BinaryIO:
    """Open an empty log; the last run's is kept beside it, older ones are not."""
    if log.exists():
        log.replace(log.with_suffix(".previous.log"))
    return log.open("wb")


def die_with(parent: int) -> Callable[[], None]:
    """What a child calls before it runs: on Linux the child is killed when the thread that made it ends."""
    libc = ctypes.CDLL(None)  # loaded before the fork: after it, little is safe

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, SIGKILL)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return in_child


async def _become_primary(mongod: Mongod, socket: Path, log: Path) -> None:
    try:
        async with asyncio.timeout(_START_LIMIT):
            await _accepts_connections(mongod.process, socket)
            client: AsyncIOMotorClient[dict[str, Any]]
            client = AsyncIOMotorClient(mongod.url, serverSelectionTimeoutMS=3000)
            try:
                while not (hello := await client.admin.command("hello"))["isWritablePrimary"]:
                    if "setName" not in hello:
                        await _initiate(client)
                    await asyncio.sleep(_TICK)
            finally:
                client.close()
    except (OSError, PyMongoError) as error:
        exit_code = mongod.process.returncode
        reason = str(error) if exit_code is None else f"it ended with exit code {exit_code}"
        raise MongodError(
            f"mongod did not start: {reason or f'it took more than {_START_LIMIT:g} s'}.\n"
            f"From {log}:\n{_grave_words(log)}"
        ) from error


async def _accepts_connections(process: asyncio.subprocess.Process, socket: Path) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_unix_connection(socket)
        except (FileNotFoundError, ConnectionRefusedError):  # not there yet, or left behind by a killed one
            await asyncio.sleep(_TICK)
        else:
            writer.close()
            return
    raise ChildProcessError


async def _initiate(client: AsyncIOMotorClient[dict[str, Any]]) -> None:
    try:
        await client.admin.command("replSetInitiate", _REPLICA_SET)
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:  # it is, when mongod was still loading its configuration
            raise


def _grave_words(log: Path) -> str:
    """Return the log's first errors, where the cause is, or its end when it has none."""
    lines = log.read_text(errors="replace").splitlines()
    grave = [line.partition('"msg":')[2] for line in lines if '"s":"E"' in line or '"s":"F"' in line]
    return "\n".join(f"  {line[:400]}" for line in grave[:3] or lines[-3:])
