"""Server-sent events that are asked for with anything, and left in the middle."""

import asyncio
from random import Random

import aiohttp

from tests.faults.hostile.attacks import attack
from tests.faults.hostile.forged import forged_id, forged_token
from tests.faults.hostile.sockets import SUBSCRIPTIONS
from tests.faults.hostile.target import OURS_TO_ANSWER_FOR, PATIENCE, Target, json_of
from tests.faults.hostile.variables import anything


@attack("event streams", weight=2)
async def event_streams(target: Target, chance: Random) -> None:
    target.run.sent += 1
    query = chance.choice(SUBSCRIPTIONS)
    chosen = chance.random()
    id = chance.choice(target.products) if chosen < 0.4 else forged_id(chance, target)
    variables = {"id": id if chosen < 0.7 else anything(chance, target)}
    headers = {"Accept": "text/event-stream", "Content-Type": "application/json"}
    if chance.random() < 0.5:
        token = forged_token(chance, target)
        headers["Last-Event-ID"] = "".join(each for each in token if 32 < ord(each) < 127)[:6_000]
    body = json_of({"query": query, "variables": variables})
    try:
        async with (
            asyncio.timeout(PATIENCE),
            target.http.post(target.url, data=body, headers=headers) as response,
        ):
            if response.status >= 500:
                target.complain("event streams", f"status {response.status}")
            async for line in response.content:
                if any(f'"code":"{code}"'.encode() in line for code in OURS_TO_ANSWER_FOR):
                    target.complain("event streams", line.decode()[:160])
                if line.startswith(b"data:"):
                    break  # It leaves while the stream goes on.
            response.close()
    except TimeoutError:
        target.complain("event streams", f"no answer and no end within {PATIENCE:g} s")
    except (aiohttp.ClientError, OSError) as error:
        target.complain("event streams", f"no answer: {type(error).__name__}")
