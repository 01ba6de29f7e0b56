"""People who visit the pages of an order desk, each signed in with a browser of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from schema.circle.ids import key_of
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.viewing.roles import token_of

PATIENCE = 20_000
"""Milliseconds in which a page shows what a test expects, on a machine that has other things to do."""

expect.set_options(timeout=PATIENCE)


@dataclass(frozen=True)
class Desk:
    """A service that takes tokens, its pages, and a shop whose goods the tests bring."""

    url: str
    shop: Shop
    browser: Browser
    bundled: Path
    """The folder of the pages."""

    @asynccontextmanager
    async def visit(self, name: str, token: str = "", *, about: str = "") -> AsyncIterator[Page]:
        """Open a page, such as `ShopFront`, with a token or none; at the end, fail if the browser complained.

        `about` is the one thing that it shows: the SKU of a product, or the id of an order.
        """
        context = await self.browser.new_context(
            viewport={"width": 1200, "height": 800},
            locale="en",
            # A page that Chromium is handed has no address, and may open no websocket to this machine.
            permissions=["local-network-access"],
        )
        complaints: list[str] = []

        def listen(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                complaints.append(message.text)

        context.on("console", listen)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        await self._serve(context)
        if token:
            signed_in = await context.request.post(
                f"{self.url}/graphql/session", headers={"Authorization": f"Bearer {token}"}
            )
            assert signed_in.ok, await signed_in.text()
        page = await context.new_page()
        await page.goto(f"{self.url}/pages/{name}.html#{quote(about)}")
        try:
            yield page
        except Exception as failure:
            failure.add_note(
                f"The browser said: {complaints}\nThe page shows: {await page.inner_text('body')}"
            )
            raise
        await context.close()
        assert complaints == []

    async def _serve(self, context: BrowserContext) -> None:
        """Have the pages beside the API, as a reverse proxy would."""

        async def fulfil(route: Route) -> None:
            await route.fulfill(path=self.bundled / Path(urlsplit(route.request.url).path).name)

        await context.route(f"{self.url}/pages/*", fulfil)


def customer_token(customer: str) -> str:
    """Return the token of a customer with this global id."""
    return token_of("the customer in person", "customer", str(key_of("Customer", customer)))


CLERK = token_of("clerk", "staff")


@asynccontextmanager
async def open_desk(url: str, browser: Browser, bundled: Path) -> AsyncIterator[Desk]:
    """Open the desk of a service, with staff who fill the shop."""
    async with httpx.AsyncClient(timeout=90, headers={"Authorization": f"Bearer {CLERK}"}) as http:
        yield Desk(url, Shop(Client(url, http)), browser, bundled)
