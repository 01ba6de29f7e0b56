"""Websockets that keep to no protocol, and those that keep to it and ask for too much."""

import asyncio
import json
from itertools import cycle, islice
from random import Random
from typing import Any

import aiohttp

from tests.faults.hostile.attacks import attack
from tests.faults.hostile.forged import forged_id, forged_token
from tests.faults.hostile.target import OURS_TO_ANSWER_FOR, PATIENCE, Target, codes_of
from tests.faults.hostile.variables import KNOWN, anything, nested

SUBSCRIPTIONS = (
    "subscription ($id: ID!, $after: ConsistencyToken) { productUpdated(id: $id, after: $after) { cursor } }",
    "subscription ($id: ID!, $after: ConsistencyToken) { orderUpdated(id: $id, after: $after) { cursor } }",
    "subscription ($id: ID!, $after: ConsistencyToken) { "
    "customerOrdersUpdated(customerId: $id, after: $after) { cursor } }",
    "subscription ($id: [ReadModelName!], $after: ConsistencyToken) { readModelUpdates(readModels: $id, "
    "after: $after) { __typename } }",
)

TOO_LARGE = "x" * 1_100_000
"""More than a message may have: the connection is closed while it is under way, and 1009 may get lost."""

FAULTY_CLOSES = {1006, 1011}
"""Codes of a socket that fell over."""


def _frames(target: Target, chance: Random) -> list[str | bytes]:
    """Frames that may come at any time."""
    deep = json.dumps(nested(chance.choice((100, 253, 254, 900)), chance.random() < 0.5))
    query = chance.choice((*SUBSCRIPTIONS, *sorted(KNOWN)))
    given = {name: anything(chance, target) for name in ("id", "after", "n", "f", "ids")}
    subscribe = {
        "type": "subscribe",
        "id": chance.choice("ab"),
        "payload": {"query": query, "variables": given},
    }
    forged = {"id": forged_id(chance, target), "after": forged_token(chance, target)}
    resumed = {**subscribe, "payload": {"query": query, "variables": forged}}
    init = {"type": "connection_init", "payload": {"Consistency-Token": anything(chance, target)}}
    tokens = {
        "type": "connection_init",
        "payload": {"Consistency-Token": ",".join(islice(cycle(target.tokens), 5_000))},
    }
    return [
        *(json.dumps(each) for each in (subscribe, resumed, subscribe, resumed, init, tokens)),
        f'{{"type": "ping", "payload": {{"a": {deep}}}}}',
        f'{{"type": "subscribe", "id": "d", "payload": {{"query": "{SUBSCRIPTIONS[0]}", '
        f'"variables": {{"id": {deep}}}}}}}',
        *(
            '{"type": "complete", "id": "a"}',
            '{"type": "pong"}',
            '{"type": "next", "id": "a"}',
            "[]",
            "{",
            "",
            "null",
        ),
        *('{"type": "subscribe", "id": "", "payload": {}}', '{"type": "subscribe", "id": 7}', '{"type": []}'),
        *(b"", b"\xff\x00", json.dumps({"type": "ping", "payload": {"a": "x" * 500_000}}), TOO_LARGE),
    ]


@attack("frames", weight=3)
async def frames(target: Target, chance: Random) -> None:
    target.run.sent += 1
    sent: list[str] = []
    try:
        async with (
            asyncio.timeout(PATIENCE),
            target.http.ws_connect(target.url, protocols=("graphql-transport-ws",), max_msg_size=0) as socket,
        ):
            if chance.random() < 0.9:
                await socket.send_str('{"type": "connection_init"}')
            for _ in range(chance.randint(1, 6)):
                frame = chance.choice(_frames(target, chance))
                sent.append(repr(frame[:50]))
                await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
            await socket.send_str('{"type": "ping"}')  # Whatever is wrong with them, it is told before this.
            await _listen(target, socket, f"frames {' '.join(sent)}")
    except TimeoutError:
        target.complain(f"frames {' '.join(sent)}", f"no answer and no end within {PATIENCE:g} s")
    except (aiohttp.ClientError, OSError):
        pass  # The service closed it while frames were under way.


async def _listen(target: Target, socket: aiohttp.ClientWebSocketResponse, attack: str) -> None:
    """Reads until the pong, or the end."""
    async for frame in socket:
        message: Any = json.loads(frame.data)
        payload = message.get("payload")
        errors = payload if message["type"] == "error" else (payload or {}).get("errors", ())
        if isinstance(errors, list) and (bad := codes_of(errors) & OURS_TO_ANSWER_FOR):
            target.complain(attack, f"{' '.join(sorted(bad))}: {errors[0]['message'][:100]}")
        if message["type"] == "pong" and payload is None:
            return
    if socket.close_code in FAULTY_CLOSES and repr(TOO_LARGE[:50]) not in attack:
        target.complain(attack, f"closed with {socket.close_code}")


@attack("many operations over one socket", weight=0.3)
async def many(target: Target, chance: Random) -> None:
    target.run.sent += 1
    try:
        async with (
            asyncio.timeout(PATIENCE),
            target.http.ws_connect(target.url, protocols=("graphql-transport-ws",), max_msg_size=0) as socket,
        ):
            await socket.send_str('{"type": "connection_init"}')
            for number in range(150):
                variables = {"id": chance.choice(target.products)}
                payload = {"query": SUBSCRIPTIONS[0], "variables": variables}
                await socket.send_json({"type": "subscribe", "id": f"{number}", "payload": payload})
            await socket.send_str('{"type": "ping"}')
            await _listen(target, socket, "many operations")
    except TimeoutError:
        target.complain("many operations", f"no answer and no end within {PATIENCE:g} s")
    except (aiohttp.ClientError, OSError):
        pass
