"""The operators' page for whoever opens it, on any screen, and for a long time."""

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.inprocess import Service
from tests.schema.shop import Shop
from tests.web.admin.legibility import FAINT, TOO_WIDE
from tests.web.admin.window import Scheme, at_the_page, screenshot, token, token_field

HEAP_GROWTH = 300_000
"""Bytes by which the page's memory may grow between the halves of half an hour."""


@pytest.mark.parametrize("role", ["", "staff"])
async def test_a_viewer_who_is_no_operator_sees_why_and_no_data(
    browser: Browser, guarded: Service, shop: Shop, role: str
) -> None:
    async with at_the_page(browser, guarded, role=role) as window:
        window.expected = ("401",)
        page = window.page
        await expect(page.get_by_role("heading", name="This page is for operators")).to_be_visible()
        await expect(page.locator("#admin")).to_contain_text("Only operators may ask for this field")
        await token_field(window).fill(token("operator"))
        await expect(page.locator(".models .pill")).to_have_count(len(guarded.circle.progress))
        await token_field(window).fill("nonsense")
        await expect(page.get_by_role("heading", name="This page is for operators")).to_be_visible()
        await expect(page.locator("table")).to_have_count(0)
        assert "OrderPlaced" not in await page.content()
        await screenshot(window, f"denied-{role or 'anonymous'}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_fits_a_phone(browser: Browser, guarded: Service, shop: Shop, scheme: Scheme) -> None:
    async with at_the_page(browser, guarded, width=390, scheme=scheme) as window:
        page = window.page
        await expect(page.locator(".models .pill.good")).to_have_count(len(guarded.circle.progress))
        await page.get_by_role("button", name="Event").first.click()
        await expect(page.locator(".details dl")).to_have_count(2)
        assert await page.evaluate(TOO_WIDE) == []
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        assert await page.evaluate(FAINT) == []
        await screenshot(window, f"phone-{scheme}")


async def test_a_service_that_does_not_answer_is_asked_again(
    browser: Browser, guarded: Service, shop: Shop
) -> None:
    async with at_the_page(browser, guarded) as window:
        window.expected = ("Failed to load resource",)
        status = window.page.get_by_role("status").first
        await expect(status).to_have_text("live, each second")
        await window.page.route("**/graphql", lambda route: route.abort())
        await expect(status).to_contain_text("The service gives no answer")
        await expect(window.page.locator(".models")).to_be_visible()
        await window.page.unroute("**/graphql")
        await expect(status).to_have_text("live, each second")


@pytest.mark.campaign
async def test_half_an_hour_on_the_page_takes_no_more_memory(
    browser: Browser, guarded: Service, shop: Shop
) -> None:
    async with at_the_page(browser, guarded, role="") as window:
        page = window.page
        devtools = await page.context.new_cdp_session(page)
        product = await shop.product(stock=1000)

        async def heap() -> int:
            await devtools.send("HeapProfiler.collectGarbage")
            used: Any = await devtools.send("Runtime.getHeapUsage")
            return int(used["usedSize"])

        await page.clock.install()
        await token_field(window).fill(token("operator"))
        await expect(page.locator(".models .pill").first).to_be_visible()
        used = list[int]()
        for second in range(1800):
            async with page.expect_response("**/graphql"):
                await page.clock.run_for(1000)
            if second % 5 == 0:
                await guarded.client.mutate("receiveStock", "", productId=product, quantity=1)
            if second % 300 == 299:
                used.append(await heap())
        print(f"bytes of memory after each five minutes: {used}")
        # A collection may leave something for the next one; what is never collected is in all that follow.
        assert min(used[3:]) - min(used[:3]) < HEAP_GROWTH, used
