"""The memory of the operators' page while it is open for long, beside readers and commands:

python -m tests.memory.page --minutes 60
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median
from time import monotonic
from typing import NamedTuple

import httpx
import jwt
from playwright.async_api import CDPSession, Page

from tests.access.issuer import SECRET
from tests.crowd.measurements import RECEIVE, open_shop, send
from tests.service import running
from tests.web.browser import chromium

LOOKS = 13
"""How often the page is looked at, the beginning and the end included."""

COMMANDS_PER_SECOND = 5.0


class Taken(NamedTuple):
    """What the page takes after its garbage is collected."""

    heap: float
    """Megabytes of JavaScript's heap."""
    nodes: int
    """Nodes of the document, and what is left of earlier ones."""
    listeners: int


async def _taken(devtools: CDPSession) -> Taken:
    await devtools.send("HeapProfiler.collectGarbage")
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    values = {each["name"]: each["value"] for each in metrics}
    return Taken(values["JSHeapUsedSize"] / 1e6, int(values["Nodes"]), int(values["JSEventListeners"]))


async def _work(http: httpx.AsyncClient, url: str, product: str, rate: float) -> None:
    while True:
        await send(http, url, RECEIVE, id=product)
        await send(http, url, "query ($id: ID!) { product(id: $id) { onHand } }", id=product)
        await asyncio.sleep(1 / rate)


async def _watched(page: Page, minutes: float) -> list[Taken]:
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    seen: list[Taken] = []
    began = monotonic()
    for look in range(LOOKS):
        await asyncio.sleep(max(0.0, began + 60 * minutes * look / (LOOKS - 1) - monotonic()))
        seen.append(await _taken(devtools))
        head = await page.locator("#head").inner_text()
        print(
            f"after {(monotonic() - began) / 60:5.1f} min, at event {head:>7}: {seen[-1].heap:5.2f} MB, "
            f"{seen[-1].nodes:,} nodes, {seen[-1].listeners:,} listeners",
            flush=True,
        )
    return seen


async def measured(minutes: float, rate: float = COMMANDS_PER_SECOND) -> list[Taken]:
    """Return what the page takes at each look, beside so many commands a second."""
    claims = {"sub": "Ada", "roles": ["operator", "staff"], "exp": int(time.time() + 60 * minutes) + 3600}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running(Path(folder), AUTH_SECRET=SECRET) as service,
            httpx.AsyncClient(timeout=60, headers={"Authorization": f"Bearer {token}"}) as http,
            chromium() as browser,
        ):
            await service.ready()
            shop = await open_shop(service.url, service.process.pid, http)
            page = await browser.new_page()
            await page.goto(f"{service.url}/admin")
            await page.get_by_label("access token", exact=True).fill(token)
            await page.get_by_role("status").first.get_by_text("live, each second").wait_for()
            working = asyncio.create_task(_work(http, service.url, shop.product, rate))
            seen = await _watched(page, minutes)
            working.cancel()
            await asyncio.wait([working])
    return seen


def _report(minutes: float) -> None:
    seen, third = asyncio.run(measured(minutes)), LOOKS // 3
    thirds = [
        median(each.heap for each in seen[start : start + third]) for start in (1, 1 + third, 1 + 2 * third)
    ]
    print(f"JavaScript's heap, medians of thirds: {', '.join(f'{each:.2f}' for each in thirds)} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.memory.page", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    _report(parser.parse_args().minutes)
