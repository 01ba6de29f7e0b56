"""Asks a query again and again for some seconds, in a process of its own.

Prints a line once it has the first answer, and at the end what each took.
"""

import asyncio
import json
import sys
from time import perf_counter

import httpx

AT_ONCE = 4


async def ask(url: str, query: str, seconds: float) -> list[float]:
    """The seconds that each answer took."""
    end = perf_counter() + seconds
    took: list[float] = []

    async def keep_asking() -> None:
        while perf_counter() < end:
            began = perf_counter()
            response = await http.post(f"{url}/graphql", json={"query": query})
            took.append(perf_counter() - began)
            assert "errors" not in response.json(), response.text
            if len(took) == 1:
                print("asking", flush=True)

    async with httpx.AsyncClient(timeout=60) as http, asyncio.TaskGroup() as asking:
        for _ in range(AT_ONCE):
            asking.create_task(keep_asking())
    return took


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(sys.argv[1], sys.argv[2], float(sys.argv[3])))))
