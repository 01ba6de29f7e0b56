"""A person at the playground: headless Chromium, what they see there and what they do."""

import json
import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, async_playwright

_ON_THE_PATH = ("chromium", "chromium-browser", "google-chrome")

# Chromium may look for updates, accounts and the like; the playground must do without any network.
_ALONE = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)

_EDITOR_TEXT = """
([pane, expected]) => {
  const text = document.querySelector(`${pane} .CodeMirror`)?.CodeMirror.getValue() ?? "";
  return text.includes(expected) && text;
}
"""


class Window:
    """A browser window with a page at a URL; `complaints` is what the browser's console would show."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.expected: tuple[str, ...] = ()
        """Parts of complaints that the test brings about."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(map(message.text.count, self.expected)):
            self.complaints.append(message.text)

    def _on_request(self, request: Request) -> None:
        origin = self.url.rpartition("/")[0]
        if not request.url.startswith((f"{origin}/", "data:")):
            self.complaints.append(f"asked another origin: {request.url}")


class Playground(Window):
    """A window with the playground open."""

    async def open(self) -> None:
        """Load the page, wait until its tabs can be used and its schema is known."""
        async with self.page.expect_response(self.url):
            async with self.page.expect_request(lambda request: request.method == "POST") as introspection:
                await self.page.goto(self.url)
            await (await introspection.value).response()
        await self.run_button.wait_for()

    @property
    def run_button(self) -> Locator:
        return self.page.get_by_role("button", name="Execute query")

    @property
    def tabs(self) -> Locator:
        return self.page.get_by_role("tablist").get_by_role("tab")

    @property
    def stop_button(self) -> Locator:
        return self.page.get_by_role("button", name="Stop query")

    @property
    def outcome(self) -> Locator:
        """What came of the last operation, in the status line."""
        return self.page.get_by_role("status")

    @property
    def running(self) -> Locator:
        """The subscriptions that go on, in the status line."""
        return self.page.get_by_label("Running subscriptions")

    @property
    def freshness(self) -> Locator:
        return self.page.get_by_label("Freshness")

    @property
    def token(self) -> Locator:
        return self.page.get_by_label("Status").get_by_text("next request carries")

    @property
    def result(self) -> Locator:
        return self.page.get_by_label("Result Window")

    @property
    def hint(self) -> Locator:
        """What stands in an empty result pane."""
        return self.page.locator(".graphiql-response .hint")

    async def press(self, button: str) -> None:
        await self.page.get_by_role("button", name=button).click()

    async def choose(self, tab: str) -> None:
        await self.tabs.filter(has_text=tab).click()

    async def run(self, tab: str) -> None:
        """Choose a prepared tab and start its operation."""
        await self.choose(tab)
        await self.run_button.click()

    async def add_product(self) -> str:
        """Run the prepared tab that adds a product, with an SKU of its own; return the SKU."""
        await self.choose("AddProduct")
        variables = await self.variables("sku")
        sku = f"PLAY-{uuid.uuid4().hex[:8].upper()}"
        await self.write_variables({"input": {**variables["input"], "sku": sku}})
        await self.run_button.click()
        return sku

    async def answer(self, containing: str) -> Any:
        """Wait until the result pane shows the text; return all of it, as parsed JSON."""
        return json.loads(await self._text(".result-window", containing))

    async def write_query(self, text: str) -> None:
        await self._write(".graphiql-query-editor", text)

    async def query(self, containing: str) -> str:
        """Wait until the query editor holds the text; return all of it."""
        return await self._text(".graphiql-query-editor", containing)

    async def write_variables(self, variables: object) -> None:
        await self.write_variables_text(json.dumps(variables))

    async def write_variables_text(self, text: str) -> None:
        await self._write(".graphiql-editor-tool", text)

    async def variables(self, containing: str) -> Any:
        """Wait until the variables' editor holds the text; return all of it, as parsed JSON."""
        return json.loads(await self._text(".graphiql-editor-tool", containing))

    async def _write(self, pane: str, text: str) -> None:
        editor = self.page.locator(f"{pane} .CodeMirror").first
        await editor.evaluate("(element, text) => element.CodeMirror.setValue(text)", text)

    async def _text(self, pane: str, containing: str) -> str:
        handle = await self.page.wait_for_function(_EDITOR_TEXT, arg=[pane, containing])
        return str(await handle.json_value())


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run a headless Chromium that never leaves this machine: the one on the PATH, or else playwright's own.

    Whoever asks is skipped where there is neither.
    """
    on_the_path = next(filter(None, map(shutil.which, _ON_THE_PATH)), None)
    async with async_playwright() as playwright:
        path = on_the_path or playwright.chromium.executable_path
        if shutil.which(path) is None:
            pytest.skip(
                "Pages were not tested in a browser, for there is no Chromium on the PATH. Install "
                "your system's (on Debian: apt-get install chromium), or playwright's: "
                f"{sys.executable} -m playwright install chromium"
            )
        browser = await playwright.chromium.launch(executable_path=path, args=_ALONE)
        yield browser
        await browser.close()


@asynccontextmanager
async def at_the_playground(
    browser: Browser, service_url: str, *, width: int = 1280
) -> AsyncIterator[Playground]:
    """Open the playground as someone who was never there; at the end, fail on whatever the browser minded."""
    context = await browser.new_context(viewport={"width": width, "height": 800}, color_scheme="light")
    window = Playground(await context.new_page(), f"{service_url}/graphql")
    await window.open()
    yield window
    await context.close()
    assert window.complaints == [], window.complaints
