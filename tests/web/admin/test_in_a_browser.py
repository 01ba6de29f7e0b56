"""The operators' page in a browser: the circle at work, what can be done about it, and who sees it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import jwt
import pytest
from playwright.async_api import Browser, Locator, Route, expect

from app.config import Settings
from app.cqrs.documents.read_model import Change
from app.cqrs.freshness.progress import ReadModelBehind
from app.cqrs.log.events import RecordedEvent
from app.read_models.customer_overview import customer_overview
from tests.access.issuer import SECRET
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.web.admin.legibility import FAINT, TOO_WIDE, UNNAMED
from tests.web.browser import Window

Scheme = Literal["light", "dark"]

HEAP_GROWTH = 300_000
"""Bytes by which the page's memory may grow from its tenth minute to its sixtieth."""


def token(role: str) -> str:
    claims = {"sub": f"Ada the {role}", "roles": [role], "exp": int(time.time()) + 3600}
    return jwt.encode(claims, SECRET, algorithm="HS256")


@pytest.fixture(scope="module")
async def guarded(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    folder = tmp_path_factory.mktemp("admin")
    settings = Settings(
        data_dir=folder,
        mongodb_url=mongo_url,
        mongodb_database=folder.name,
        read_cache_mb=8,
        auth_secret=SECRET,
    )
    async with serving(settings) as running:
        running.client.http.headers["Authorization"] = f"Bearer {token('operator')}"
        yield running


@pytest.fixture(scope="module")
async def shop(guarded: Service) -> Shop:
    """A shop with a day's work behind it."""
    shop = Shop(guarded.client)
    products = [await shop.product(stock=500) for _ in range(3)]
    for number in range(12):
        customer = await shop.customer(name=f"Ondine {number}", email=f"ondine.{number}@maskenball.example")
        for product in products:
            await shop.order(customer=customer, product=product, quantity=1 + number)
    await guarded.client.mutate("receiveStock", "", productId=products[0], quantity=0)
    return shop


@asynccontextmanager
async def at_the_page(
    browser: Browser, service: Service, *, role: str = "operator", width: int = 1360, scheme: Scheme = "light"
) -> AsyncIterator[Window]:
    """Open the page as someone with a token of this role; at the end, fail on what the browser minded."""
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    window = Window(await context.new_page(), f"{service.client.url}/admin")
    await window.page.goto(window.url)
    if role:
        await token_field(window).fill(token(role))
    yield window
    await context.close()
    assert window.complaints == []


def token_field(window: Window) -> Locator:
    return window.page.get_by_label("access token", exact=True)


def row(window: Window, section: str, name: str) -> Locator:
    table = window.page.get_by_role("region", name=section, exact=True).or_(
        window.page.locator(f"section[aria-labelledby={section}]")
    )
    return table.first.get_by_role("row").filter(has=window.page.get_by_role("rowheader", name=name))


async def screenshot(window: Window, name: str) -> None:
    if folder := os.environ.get("ADMIN_SCREENSHOTS"):
        await window.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


async def commands(client: Client, shop: Shop, number: int) -> None:
    product = await shop.product(stock=1000)
    for _ in range(number):
        await client.mutate("receiveStock", "", productId=product, quantity=1)


async def test_an_operator_sees_the_circle_at_work(browser: Browser, guarded: Service, shop: Shop) -> None:
    async with at_the_page(browser, guarded) as window:
        page = window.page
        await expect(page.get_by_role("status").first).to_have_text("live, each second")
        await expect(page.locator(".models .pill.good")).to_have_count(len(guarded.circle.progress))
        await expect(row(window, "commands", "PlaceOrder").get_by_role("cell").nth(1)).to_have_text("36")
        await expect(row(window, "commands", "INVALID_INPUT").get_by_role("cell").nth(1)).to_have_text("1")
        places = [await page.locator(each).bounding_box() for each in (".tiles", ".models", ".commands")]
        await page.evaluate("document.activeElement.blur()")

        async with asyncio.TaskGroup() as working:
            working.create_task(commands(guarded.client, shop, 60))
            await expect(page.locator("#head")).not_to_have_text("1")
        head = f"{guarded.circle.relay.published:,}"
        began = time.monotonic()
        await expect(page.locator("#head")).to_have_text(head)
        assert time.monotonic() - began < 2
        await expect(page.locator(".events tbody tr").first).to_contain_text(head)
        await expect(row(window, "models", "order list").get_by_role("cell").nth(1)).to_have_text(head)
        after = [await page.locator(each).bounding_box() for each in (".tiles", ".models", ".commands")]
        assert after[:2] == places[:2]  # nothing jumps
        assert await page.evaluate(UNNAMED) == []
        assert await page.evaluate(FAINT) == []
        await screenshot(window, "light")


async def test_events_are_found_and_their_causes_shown_by_keyboard_without_personal_data(
    browser: Browser, guarded: Service, shop: Shop
) -> None:
    async with at_the_page(browser, guarded, scheme="dark") as window:
        page = window.page
        events = page.locator(".events tbody tr")
        await expect(events).to_have_count(50)
        await page.get_by_label("type", exact=True).focus()
        await page.keyboard.type("CustomerRegistered, OrderPlaced")
        await page.keyboard.press("Enter")
        await expect(events.filter(has_text="StockReserved")).to_have_count(0)
        await expect(events.filter(has_text="OrderPlaced").first).to_be_visible()
        older = page.get_by_role("button", name="Older")
        await expect(older).to_have_attribute("aria-disabled", "true")

        await page.get_by_role("button", name="Event").first.focus()
        await page.keyboard.press("Enter")
        details = page.locator(".details")
        await expect(details).to_contain_text("personal, not shown")
        await expect(details.get_by_role("listitem")).to_have_count(2)
        await expect(details.get_by_role("listitem").filter(has_text="StockReserved")).to_be_visible()
        assert "maskenball" not in (await page.content()).lower()
        assert await page.evaluate(UNNAMED) == []
        assert await page.evaluate(FAINT) == []
        await screenshot(window, "dark")

        await details.get_by_role("button", name="Search for command").press("Enter")
        await expect(events).to_have_count(2)
        await page.get_by_role("button", name="Clear").press("Enter")
        await expect(events).to_have_count(50)
        newest = await events.first.inner_text()
        await older.press("Enter")
        await expect(events.first).not_to_have_text(newest)
        await page.get_by_role("button", name="Newest").press("Enter")
        await expect(page.get_by_text("newest first")).to_be_visible()
        await expect(events).to_have_count(50)


async def test_a_failed_read_model_says_why_and_is_retried(
    browser: Browser, guarded: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = customer_overview.changes

    def changes(recorded: RecordedEvent) -> list[Change]:
        if "Ivy" in repr(recorded.event):
            raise ZeroDivisionError
        return healthy(recorded)

    monkeypatch.setattr(customer_overview, "changes", changes)
    await shop.customer(name="Ivy")
    progress = guarded.circle.progress["customer_overview"]
    with pytest.raises(ReadModelBehind):
        await progress.wait_for(guarded.circle.relay.published + 1, 20)
    async with at_the_page(browser, guarded) as window:
        page = window.page
        own = row(window, "models", "customer overview")
        await expect(own).to_contain_text("failed")
        await expect(page.locator(".models .reason")).to_contain_text("ZeroDivisionError")
        await expect(own.get_by_role("cell").nth(2)).to_have_text("1")
        retry = own.get_by_role("button", name="retry")
        await retry.press("Enter")
        await expect(page.locator(".models .said")).to_contain_text("ZeroDivisionError")
        assert await page.evaluate(FAINT) == []
        await screenshot(window, "failed")

        monkeypatch.undo()
        await retry.press("Enter")
        await expect(page.locator(".models .said")).to_have_text("customer overview is retried.")
        await expect(own).to_contain_text("live")
        await expect(page.locator(".models .reason")).to_have_count(0)
        await expect(retry).to_be_focused()


async def test_a_rebuild_has_a_bar_and_is_started_and_ended_after_a_question(
    browser: Browser, guarded: Service, shop: Shop
) -> None:
    """The rebuild itself is played: the page is what is looked at here."""
    rebuilds: list[dict[str, Any]] = []
    sent: list[dict[str, Any]] = []
    begun = {"readModel": "ORDER_LIST", "state": "BUILDING", "position": "40", "head": "100"}
    begun |= {"eventsPerSecond": 31.5, "secondsLeft": 2, "keptUntil": None, "reason": None}

    async def play(route: Route) -> None:
        asked: Any = route.request.post_data_json
        match asked["documentId"]:
            case "admin-rebuilds":
                data: dict[str, Any] = {"rebuildProgress": rebuilds}
            case "admin-rebuild":
                rebuilds[:], data = [begun], {"rebuildReadModel": {"errors": []}}
            case "admin-abort":
                rebuilds[:], data = [{**begun, "state": "ABORTED"}], {"abortRebuild": {"errors": []}}
            case _:
                return await route.continue_()
        sent.append(asked)
        return await route.fulfill(json={"data": data})

    async with at_the_page(browser, guarded, role="") as window:
        page = window.page
        await page.route("**/graphql", play)
        await token_field(window).fill(token("operator"))
        own = row(window, "models", "order list")
        await own.get_by_role("button", name="rebuild").press("Enter")
        dialog = page.get_by_role("dialog", name="order list")
        await expect(dialog.get_by_role("button", name="No")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(own.get_by_role("button", name="rebuild")).to_be_focused()
        await page.keyboard.press("Enter")
        await dialog.get_by_label("Compare both before the switch").check()
        await dialog.get_by_role("button", name="Yes, rebuild").press("Enter")
        bar = page.get_by_role("progressbar", name="rebuild, building")
        await expect(bar).to_have_js_property("position", 0.4)
        await expect(page.locator(".models")).to_contain_text("40 of 100, 31.5 events/s, 2.0 s left")
        await expect(own.get_by_role("button", name="rebuild")).to_have_attribute("aria-disabled", "true")
        assert await page.evaluate(UNNAMED) == []
        await screenshot(window, "rebuild")
        await own.get_by_role("button", name="abort").press("Enter")
        await dialog.get_by_role("button", name="Yes, abort").press("Enter")
        await expect(bar).to_have_count(0)
        await expect(own.get_by_role("button", name="rollback")).to_have_attribute("aria-disabled", "true")
        variables = [each["variables"] for each in sent if each["documentId"] != "admin-rebuilds"]
        assert variables == [{"readModel": "ORDER_LIST", "verify": True}, {"readModel": "ORDER_LIST"}]


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
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        assert await page.evaluate(TOO_WIDE) == []
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
async def test_an_hour_on_the_page_takes_no_more_memory(
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
        for second in range(3600):
            async with page.expect_response("**/graphql"):
                await page.clock.run_for(1000)
            if second % 5 == 0:
                await guarded.client.mutate("receiveStock", "", productId=product, quantity=1)
            if second % 600 == 599:
                used.append(await heap())
        print(f"bytes of memory after each ten minutes: {used}")
        assert used[-1] - used[0] < HEAP_GROWTH, used
