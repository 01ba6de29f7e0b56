"""Plays cases against a server, whichever it is."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.protocol.cases import Case, Closed, Expect, Quiet, Send, Step

PATIENCE = 20
"""Seconds for one case; a busy machine is no failure."""


async def play(case: Case, steps: Sequence[Step], url: str) -> None:
    """Goes through `steps` on a new socket; raises `AssertionError` where the server does something else."""
    async with (
        asyncio.timeout(PATIENCE),
        connect(url, subprotocols=list(case.protocols) or None) as socket,  # type: ignore[arg-type]
    ):
        for step in steps:
            await _take(step, socket)
        socket.transport.abort()


async def _take(step: Step, socket: ClientConnection) -> None:
    match step:
        case Send(message=str() | bytes() as frame):
            await socket.send(frame)
        case Send(message=message):
            await socket.send(json.dumps(message))
        case Expect(message=expected):
            received = await _receive(socket)
            assert fits(received, expected), f"{received} instead of {expected}"
        case Quiet():
            await socket.send('{"type": "ping", "payload": {"quiet": true}}')
            received = await _receive(socket)
            assert received == {"type": "pong", "payload": {"quiet": True}}
        case Closed():
            await _closed(step, socket)


async def _receive(socket: ClientConnection) -> Any:
    frame = await socket.recv()
    assert isinstance(frame, str), "browsers can't parse binary frames"
    return json.loads(frame)


async def _closed(step: Closed, socket: ClientConnection) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        raise AssertionError(f"{await socket.recv()!r} instead of {step}")
    close = closed.value.rcvd
    assert close, f"cut off instead of {step}"
    assert close.code == step.code, f"{close} instead of {step}"
    assert step.reason in (None, close.reason), f"{close} instead of {step}"


def fits(received: Any, expected: Any) -> bool:
    """Whether what was received has at least what was expected; `...` is anything."""
    match expected:
        case Mapping():
            return isinstance(received, dict) and all(
                name in received and fits(received[name], value) for name, value in expected.items()
            )
        case list():
            return (
                isinstance(received, list)
                and len(received) >= len(expected)
                and all(map(fits, received, expected))
            )
    return expected is ... or bool(received == expected)
