"""Programs that tests run, and what these make: once, however many tests ask for it at the same time."""

import asyncio
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

PATIENCE = 300
"""Seconds for a program."""


async def run(*command: str, cwd: Path, stdin: Path | None = None, **environment: str) -> str:
    """What a program says that is run in a folder; fails with it where the program does."""
    with (stdin or Path(os.devnull)).open() as given:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env={**os.environ, "NO_COLOR": "1", **environment},
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


@contextmanager
def once(product: Path, *inputs: Path) -> Iterator[bool]:
    """Whether the product is still to be made of these inputs; others who ask wait for the block's end."""
    product.parent.mkdir(exist_ok=True)
    checksum = sha256(sys.version.encode())
    for file in inputs:
        checksum.update(file.read_bytes())
    with product.with_name(f".{product.name}.made").open("a+") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        made.seek(0)
        wanted = made.read() != checksum.hexdigest() or not product.exists()
        yield wanted
        if wanted:
            made.truncate(0)
            made.write(checksum.hexdigest())
