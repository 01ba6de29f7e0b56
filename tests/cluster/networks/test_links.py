"""A link passes everything on, holds it back while it is cut, and loses nothing of it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.cluster.networks.links import Link
from tests.ports import free_port


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Link, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that says everything again, over a link."""

    async def say_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()
        ended.set()

    ended = asyncio.Event()

    server = await asyncio.start_server(say_again, "127.0.0.1", 0)
    address = "127.0.0.1", free_port()
    link = Link(address, server.sockets[0].getsockname()[:2])
    await link.start()
    reader, writer = await asyncio.open_connection(*address)
    yield link, reader, writer
    writer.close()
    await ended.wait()
    await link.close()
    server.close()


async def said(reader: asyncio.StreamReader, seconds: float = 20) -> bytes:
    """What is heard, or nothing."""
    try:
        async with asyncio.timeout(seconds):
            return await reader.readline()
    except TimeoutError:
        return b""


async def test_what_is_said_while_a_link_is_cut_arrives_once_it_is_healed() -> None:
    async with linked() as (link, reader, writer):
        writer.write(b"one\n")
        assert await said(reader) == b"one\n"
        link.cut()
        writer.write(b"two\n")
        assert await said(reader, 0.1) == b""
        link.heal()
        assert await said(reader) == b"two\n"


async def test_one_process_is_cut_off_and_others_are_not() -> None:
    async with linked() as (link, reader, writer):
        writer.write(b"one\n")
        assert await said(reader) == b"one\n"
        link.cut([os.getppid()])
        writer.write(b"two\n")
        assert await said(reader) == b"two\n"
        link.cut([os.getpid()])
        writer.write(b"three\n")
        assert await said(reader, 0.1) == b""
        link.heal()
        assert await said(reader) == b"three\n"


async def test_a_connection_that_begins_while_the_link_is_cut_is_made_and_says_nothing(
    tmp_path: Path,
) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(greet, tmp_path / "server")
    link = Link(tmp_path / "link", tmp_path / "server")
    await link.start()
    link.cut()
    reader, writer = await asyncio.open_unix_connection(tmp_path / "link")
    assert await said(reader, 0.1) == b""
    link.heal()
    assert await said(reader) == b"hello\n"
    writer.close()
    await link.close()
    server.close()
