"""A connection goes on after a refusal, or is closed and says so; one that does neither is found."""

import asyncio
from asyncio import StreamReader, StreamWriter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.hostile.kept_alive import refused_requests, request, usable_or_closed
from tests.service import running


@pytest.mark.campaign
async def test_a_connection_goes_on_after_any_refusal_or_says_that_it_is_closed(tmp_path: Path) -> None:
    async with running(tmp_path, "--no-demo") as service:
        port = urlsplit(service.url).port
        assert port
        complaints = {}
        for name, sent in refused_requests(port).items():
            async with asyncio.timeout(20):
                complaints[name] = await usable_or_closed(port, sent, is_head=sent.startswith(b"HEAD"))
        assert len(complaints) > 10
        assert {name: each for name, each in complaints.items() if each} == {}


REFUSAL = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n"


@pytest.mark.parametrize(
    ("first", "then", "complaint"),
    [
        (b"", b"", "closed without an answer"),
        (b"HTTP/1.1 500 Oh\r\n\r\n", b"", "status 500"),
        (REFUSAL + b"\r\n{}", b"", "the answer before did not say so"),
        (REFUSAL + b"Connection: close\r\n\r\n{}more", b"", "it went on after its end with b'more'"),
        (REFUSAL + b"\r\n{}", REFUSAL + b"\r\n{}", "a good request was answered with status 400"),
    ],
)
async def test_a_connection_that_is_neither_usable_nor_closed_is_found(
    first: bytes, then: bytes, complaint: str
) -> None:
    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        for response in (first, then):
            if not response:
                break
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, asyncio.timeout(20):
        port = server.sockets[0].getsockname()[1]
        found = await usable_or_closed(port, request(port))
        assert found
        assert complaint in found
