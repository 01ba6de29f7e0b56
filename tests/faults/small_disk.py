"""A place to write to that can be full: a small file system, or, for who may not mount one, small files."""

import asyncio
import os
import resource
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

SIZE = 128
"""Megabytes of the file system."""

LARGEST = 65_536
"""Bytes that a file may have where there is no file system of its own."""


class SmallDisk(Protocol):
    path: Path
    how: str
    """In words."""

    def fill(self, writer: int, leaving: int) -> None:
        """From now on there is hardly any room for this process: so many bytes, more or less."""

    def make_room(self, writer: int) -> None:
        """There is room again."""


class FileSystem:
    """A file system in memory; a ballast file fills it."""

    how = f"a file system of {SIZE} MB"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, writer: int, leaving: int) -> None:
        with self._ballast.open("wb") as ballast:
            while (free := self._free() - leaving) > 0:
                with suppress(OSError):  # others write, too
                    os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, free)

    def make_room(self, writer: int) -> None:
        self._ballast.unlink(missing_ok=True)

    def _free(self) -> int:
        now = os.statvfs(self.path)
        return now.f_bavail * now.f_frsize


class SmallFiles:
    """Processes that may not write beyond the beginning of a file; to them it is as if the disk were full."""

    how = f"files of {LARGEST // 1024} kB, for want of the right to mount a file system"

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, writer: int, leaving: int) -> None:
        _limit(writer, LARGEST)

    def make_room(self, writer: int) -> None:
        _limit(writer, resource.RLIM_INFINITY)


def _limit(writer: int, size: int) -> None:
    for process in _family(writer):
        with suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _family(process: int) -> Iterator[int]:
    """A process, and then its children, who are like it from now on."""
    yield process
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            if int(status.read_text().rpartition(")")[2].split()[1]) == process:
                yield int(status.parent.name)


@asynccontextmanager
async def small_disk() -> AsyncIterator[SmallDisk]:
    """A new folder that can be full."""
    with TemporaryDirectory(prefix="disk-", dir="/tmp") as folder:
        path = Path(folder)
        os.chmod(folder, 0o777)  # PostgreSQL's server may be another user's
        if not await _succeeds("mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=777", "diptych", folder):
            yield SmallFiles(path)
            return
        try:
            yield FileSystem(path)
        finally:
            await _succeeds("umount", "--lazy", folder)


async def _succeeds(*command: str) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
        )
    except FileNotFoundError:
        return False
    return await process.wait() == 0
