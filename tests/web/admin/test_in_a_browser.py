"""The operators' page in a browser: the circle at work, and what can be done about it."""

import asyncio
import time
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from app.cqrs.documents.read_model import Change
from app.cqrs.freshness.progress import ReadModelBehind
from app.cqrs.log.events import RecordedEvent
from app.read_models.customer_overview import customer_overview
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.web.admin.legibility import FAINT, UNNAMED
from tests.web.admin.window import at_the_page, row, screenshot, token, token_field


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
        await expect(page.locator(".models .below")).to_contain_text("last error")
        await expect(retry).to_be_focused()


async def test_a_skipped_event_is_listed_with_its_reason_and_opened_by_keyboard(
    browser: Browser, guarded: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = customer_overview.changes

    def changes(recorded: RecordedEvent) -> list[Change]:
        if "Juniper" in repr(recorded.event):
            raise ZeroDivisionError
        return healthy(recorded)

    async with at_the_page(browser, guarded) as window:
        page = window.page
        await expect(page.locator(".models .pill").first).to_be_visible()
        await expect(page.get_by_role("heading", name="Skipped events")).to_have_count(0)
        monkeypatch.setattr(customer_overview, "changes", changes)
        await shop.customer(name="Juniper")
        progress = guarded.circle.progress["customer_overview"]
        position = guarded.circle.relay.published
        with pytest.raises(ReadModelBehind):
            await progress.wait_for(position + 1, 20)
        refusal = await guarded.circle.skipping.skip(
            "customer_overview", position, reason="It was sent twice.", by="Otto", patience=20
        )
        assert refusal is None
        summary = page.locator(".skipped summary")
        await expect(summary).to_have_text("Skipped events 1")
        await summary.press("Enter")
        said = f"customer overview lacks CustomerRegistered at position {position:,}: It was sent twice."
        await expect(page.locator(".skipped li")).to_contain_text(said)
        await expect(page.locator(".skipped li")).to_contain_text("Otto")
        assert "Juniper" not in await page.content()
        assert await page.evaluate(UNNAMED) == []
        assert await page.evaluate(FAINT) == []
        await screenshot(window, "skipped")


async def test_a_rebuild_has_a_bar_and_is_started_and_ended_after_a_question(
    browser: Browser, guarded: Service, shop: Shop
) -> None:
    """The rebuild itself is played: the page is what is looked at here."""
    rebuilds: list[dict[str, Any]] = []
    sent: list[dict[str, Any]] = []
    begun: dict[str, Any] = {"readModel": "ORDER_LIST", "state": "BUILDING", "position": "40", "head": "100"}
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
        await token_field(window).fill(token("operator"))
        await page.route("**/graphql", play)
        await page.reload()
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


async def test_a_read_model_is_rebuilt_and_rolled_back(
    browser: Browser, guarded: Service, shop: Shop
) -> None:
    async with at_the_page(browser, guarded) as window:
        page = window.page
        own = row(window, "models", "order list")
        dialog = page.get_by_role("dialog", name="order list")
        await own.get_by_role("button", name="rebuild").press("Enter")
        await dialog.get_by_role("button", name="Yes, rebuild").press("Enter")
        below = page.locator(".models .below").filter(has_text="a rollback is possible until")
        await expect(below).to_be_visible(timeout=30_000)
        await screenshot(window, "rebuilt")
        await own.get_by_role("button", name="rollback").press("Enter")
        await dialog.get_by_role("button", name="Yes, rollback").press("Enter")
        await expect(page.locator(".models .said")).to_have_text(
            "order list answers from its earlier documents."
        )
        await expect(below).to_have_count(0)
        await expect(own).to_contain_text("live")
