"""The processes that build documents for a service, as the kernel knows them."""

import asyncio
from pathlib import Path


def builders(service: int) -> list[int]:
    """The processes that build documents for the process of a service, and have not ended."""
    found = list[int]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
        except OSError:  # It has ended meanwhile.
            continue
        if b"\0-m\0app\0build\0" in command and parent == service:
            found.append(int(folder.name))
    return found


async def builder_of(service: int) -> int:
    """The process that builds documents for a service, once there is one."""
    while True:
        if found := builders(service):
            return found[0]
        await asyncio.sleep(0.01)


async def gone(process: int) -> None:
    """Returns once the kernel knows no such process any more."""
    while Path(f"/proc/{process}").exists():  # noqa: ASYNC110, ASYNC240 - the kernel tells nobody
        await asyncio.sleep(0.01)
