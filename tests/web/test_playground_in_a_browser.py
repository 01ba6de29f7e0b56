import os
import re
from typing import Protocol

import pytest
from playwright.async_api import Browser, expect

from tests.web.browser import at_the_playground

pytestmark = pytest.mark.campaign


class Service(Protocol):
    """A running Diptych with demo data."""

    @property
    def url(self) -> str: ...


async def test_browses_the_demo_products(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await expect(window.page).to_have_title("Diptych")
        await expect(window.tabs).to_have_text(["Browse", "AddProduct", "Watch"], use_inner_text=True)
        await window.run("Browse")
        products = (await window.answer("totalCount"))["data"]["products"]

        assert products["totalCount"] >= len(products["nodes"]) > 0
        await expect(window.outcome).to_contain_text(re.compile(r"^Answered in \d+ ms$"))
        await expect(window.freshness).to_contain_text("product listing fresh at")
        await expect(window.token).to_be_visible()
        if path := os.environ.get("PLAYGROUND_SCREENSHOT"):
            await window.page.screenshot(path=path)


async def test_shows_the_documentation(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.press("Show Documentation Explorer")
        docs = window.page.get_by_role("region", name="Documentation Explorer")
        await docs.get_by_role("link", name="Query", exact=True).click()

        await expect(docs.get_by_role("link", name="products", exact=True)).to_be_visible()


async def test_builds_a_query_by_ticking_fields(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.press("Show GraphiQL Explorer")
        explorer = window.page.locator(".graphiql-explorer-root")
        await explorer.locator("#query-Browse").wait_for()  # What is typed before that is typed over.
        await window.write_query("query Mine { freshness { state } }")
        await explorer.locator("#query-Mine").wait_for()
        await explorer.get_by_text("readModel", exact=True).click()

        assert "readModel" in await window.query("readModel")


async def test_watches_a_product_being_added_and_reads_it_back(
    browser: Browser, running_service: Service
) -> None:
    async with (
        at_the_playground(browser, running_service.url) as watcher,
        at_the_playground(browser, running_service.url) as editor,
    ):
        await watcher.run("Watch")
        await watcher.answer("newestFirst")

        async with editor.page.expect_response(editor.url) as response:
            sku = await editor.add_product()
        token = (await (await response.value).all_headers())["consistency-token"]
        added = (await editor.answer(sku))["data"]["addProduct"]
        assert added["errors"] == []

        seen = await watcher.answer("ProductAdded")
        updates = [message["data"]["readModelUpdates"] for message in seen["newestFirst"]]
        changed = [update for update in updates if update.get("eventType") == "ProductAdded"]
        assert {update["__typename"] for update in changed} == {"DocumentChanged"}

        await editor.write_query(f'{{ product(id: "{added["product"]["id"]}") {{ sku name }} }}')
        async with editor.page.expect_request(editor.url) as request:
            await editor.run_button.click()
        assert (await (await request.value).all_headers())["consistency-token"] == token
        assert (await editor.answer('"product": {'))["data"]["product"]["sku"] == sku


async def test_a_taken_sku_is_shown_as_data(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.run("AddProduct")
        await window.answer("addProduct")
        await window.run_button.click()

        payload = (await window.answer("DuplicateSku"))["data"]["addProduct"]
        assert payload["product"] is None
        await expect(window.outcome).to_contain_text("Refused: DUPLICATE_SKU: Another product has the SKU")


async def test_a_reload_keeps_what_was_edited(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.tabs.filter(has_text="Watch").click()
        await window.query("subscription Watch")
        await window.write_query("query Mine { freshness { readModel state } }")
        await expect(window.tabs).to_have_text(["Browse", "AddProduct", "Mine"], use_inner_text=True)
        await window.page.wait_for_function(
            "() => localStorage.getItem('graphiql:tabState')?.includes('query Mine')"
        )
        # What a reload finds that comes between GraphiQL's delayed writes.
        await window.page.evaluate("localStorage.removeItem('graphiql:query')")
        await window.page.reload()

        await window.query("query Mine")
        await expect(window.tabs).to_have_text(["Browse", "AddProduct", "Mine"], use_inner_text=True)


@pytest.mark.parametrize("dialog", ["Open settings dialog", "Open short keys dialog"])
async def test_dialogs_open_within_the_policy(
    browser: Browser, running_service: Service, dialog: str
) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.press(dialog)
        await expect(window.page.get_by_role("dialog")).to_be_visible()
        await window.page.keyboard.press("Escape")
        await expect(window.page.get_by_role("dialog")).to_be_hidden()
