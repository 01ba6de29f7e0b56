"""The embedded read store: a mongod that is a replica set of one node and listens on a unix socket only.

- mongod runs *in* its folder, and its address in the replica set is `./mongod.sock`, so the folder can move.
- mongod inherits a lock on the folder, so the lock lasts exactly as long as the process that writes there.
- mongod ends with the service that started it (on Linux), even if the service is killed.
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

from app.stores.mongo.embedded.mongod_binary import MongodBinary, MongodError, find_mongod

# In seconds.
_LOCK_LIMIT = 3.0  # the mongod of a killed service ends within milliseconds
_START_LIMIT = 30.0
_STOP_LIMIT = 3.0
_TICK = 0.01

_LOG = "mongod.log"
_SOCKET, _LOCK = "mongod.sock", "diptych.lock"
_LONGEST_PARENT = 60  # bytes; leaves enough for a private folder, a link in it, and the socket's name
_SOCKET_PATH_LIMIT = 103  # bytes: the limit of macOS; that of Linux is 107
_REPLICA_SET = {"_id": "diptych", "members": [{"_id": 0, "host": f"./{_SOCKET}"}]}
_ALREADY_INITIALIZED = 23
_PR_SET_PDEATHSIG = 1

_ENGINE = ",".join(
    (
        "log=(prealloc=false,file_max=16MB)",  # 17 MB when new, not 315
        # One event may change very many documents in one transaction, which must fit into the cache: by
        # default mongod aborts it when it fills a tenth of the cache, which is about 30,000 documents.
        *("eviction_updates_trigger=80", "eviction_dirty_trigger=80"),
    )
)
_OPTIONS = (
    *("--bind_ip", f"./{_SOCKET}"),  # only a path, so that no TCP port is opened
    "--nounixsocket",  # no second socket, in /tmp
    *("--replSet", "diptych"),
    *("--oplogSize", "256"),  # MB; the default is 5 % of the disk, for secondaries, which don't exist here
    *("--wiredTigerCacheSizeGB", "0.25"),
    *("--wiredTigerEngineConfigString", _ENGINE),
    *("--networkMessageCompressors", "disabled"),  # one of them has the flaw CVE-2025-14847
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),  # saves up to 200 MB that nobody reads
    "--quiet",
)


@dataclass(frozen=True, kw_only=True)
class Mongod:
    """A running mongod that takes writes: `url` is for clients, `process` shows when it ends."""

    url: str
    process: asyncio.subprocess.Process

    async def stop(self) -> None:
        """Stop mongod: ask it to, and kill it after 3 seconds; do nothing if it has ended."""
        if self.process.returncode is not None:
            return
        try:
            self.process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_LIMIT):
                    await self.process.wait()
        finally:  # also when this wait is cancelled
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()


@asynccontextmanager
async def embedded_mongod(data_dir: Path, mongod_bin: str | None = None) -> AsyncIterator[Mongod]:
    """Run mongod on `data_dir`/mongo until the block ends, or raise `MongodError`, which says what to do.

    On Linux mongod also ends when the thread that entered the block ends.
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
                "Fix that, or choose another folder with --data-dir."
            ) from error
        mongod = Mongod(url=_url(socket), process=process)
        cleanup.push_async_callback(mongod.stop)
        await _become_primary(mongod, socket, folder / _LOG)
        yield mongod


@asynccontextmanager
async def any_mongod(data_dir: Path, mongod_bin: str | None = None) -> AsyncIterator[str]:
    """Yield the URL of the mongod that runs on `data_dir`/mongo, or of one that runs until the block ends.

    Raise `MongodError`, which says what to do, if none runs and none can be started.
    """
    folder = folder_of(data_dir)
    if is_in_use(data_dir):
        with _short_path_to(folder) as short:
            yield _url(short / _SOCKET)
        return
    async with embedded_mongod(data_dir, mongod_bin) as mongod:
        yield mongod.url


def _url(socket: Path) -> str:
    return f"mongodb://{quote_plus(str(socket))}/?directConnection=true"


def is_in_use(data_dir: Path) -> bool:
    """Return whether a mongod runs on a data folder; raise `MongodError` if that can't be told."""
    file = folder_of(data_dir) / _LOCK
    try:
        # To be locked, a file need not be open for writing: the folder may be one that is only read.
        lock = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise MongodError(
            f"Can't tell whether a service runs on {data_dir}: {file} can't be read: {error.strerror}.\n"
            "Run this as the user who runs the service, or choose another folder with --data-dir."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def folder_of(data_dir: Path) -> Path:
    """Return the folder of a data folder's documents."""
    return data_dir.absolute() / "mongo"


def _private_folder(data_dir: Path) -> Path:
    folder = folder_of(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


@contextmanager
def _short_path_to(folder: Path) -> Iterator[Path]:
    """Yield a path to the folder that is short enough for its socket: the folder's own, or a link's."""
    if len(os.fsencode(folder / _SOCKET)) <= _SOCKET_PATH_LIMIT:
        yield folder
        return
    # The path of the default folder for temporary files may be too long as well.
    parent = "/tmp" if len(os.fsencode(gettempdir())) > _LONGEST_PARENT else None  # noqa: S108
    with TemporaryDirectory(prefix="diptych-", dir=parent) as private:
        link = Path(private, "mongo")
        link.symlink_to(folder, target_is_directory=True)
        yield link


async def _spawn(binary: MongodBinary, folder: Path) -> asyncio.subprocess.Process:
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await _acquire(lock, folder.parent)
        with _new_log(folder / _LOG) as log:
            return await asyncio.create_subprocess_exec(
                *(binary.path, "--dbpath", folder, *_OPTIONS),
                cwd=folder,
                env=binary.environment(folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C goes to the service only, which stops mongod last
                preexec_fn=die_with(os.getpid()) if sys.platform == "linux" else None,
            )
    finally:
        os.close(lock)  # mongod has inherited a copy, which holds the lock from now on


async def _acquire(lock: int, data_dir: Path) -> None:
    # mongod's own lock is too late: a second mongod removes the first one's socket before it checks the lock.
    deadline = time.monotonic() + _LOCK_LIMIT
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise MongodError(
                    f"Another Diptych uses this data folder: {data_dir}\n"
                    "Stop that one, or choose another folder with --data-dir."
                ) from None
            await asyncio.sleep(_TICK)


def _new_log(log: Path) -> BinaryIO:
    """Open an empty log file; the log of the last run is renamed, and replaces that of the run before."""
    if log.exists():
        log.replace(log.with_suffix(".previous.log"))
    return log.open("wb")


def die_with(parent: int) -> Callable[[], None]:
    """Return a `preexec_fn` with which Linux kills the child when the thread that started it ends."""
    libc = ctypes.CDLL(None)  # Loaded before the fork: loading it in the child could deadlock.

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, SIGKILL)
        if os.getppid() != parent:  # The parent has ended before the call above.
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
            f"From {log}:\n{_errors_in(log)}\n"
            f"If its files are damaged, move {log.parent} away and start again: all documents are built anew "
            "from the event log."
        ) from error


async def _accepts_connections(process: asyncio.subprocess.Process, socket: Path) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_unix_connection(socket)
        except (
            FileNotFoundError,
            ConnectionRefusedError,
        ):  # not there yet, or left over from a killed mongod
            await asyncio.sleep(_TICK)
        else:
            writer.close()
            return
    raise ChildProcessError


async def _initiate(client: AsyncIOMotorClient[dict[str, Any]]) -> None:
    try:
        await client.admin.command("replSetInitiate", _REPLICA_SET)
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:  # An initiated mongod still loads its configuration.
            raise


def _errors_in(log: Path) -> str:
    """Return the first three errors in the log, which show the cause, or else its last three lines."""
    lines = log.read_text(errors="replace").splitlines()
    errors = [line.partition('"msg":')[2] for line in lines if '"s":"E"' in line or '"s":"F"' in line]
    return "\n".join(f"  {line[:400]}" for line in errors[:3] or lines[-3:])
