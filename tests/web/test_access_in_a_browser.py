"""The playground's field for a token: requests and subscriptions carry it, and the page says whose it is."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from playwright.async_api import Browser, Locator, expect

from app.config import Settings
from tests.access.issuer import SECRET
from tests.inprocess import Service, serving
from tests.web.browser import Playground, at_the_playground

pytestmark = pytest.mark.campaign

ACTIVITY = "{ activity(first: 1) { nodes { actor } } }"


@pytest.fixture
async def shop(mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, auth_secret=SECRET
    )
    async with serving(settings) as running:
        yield running


def token(role: str, *, seconds: float = 600) -> str:
    return jwt.encode(
        {"sub": f"Ada the {role}", "roles": [role], "exp": int(time.time() + seconds)},
        SECRET,
        algorithm="HS256",
    )


def field(window: Playground) -> Locator:
    return window.page.get_by_label("access token", exact=True)


async def test_requests_and_subscriptions_carry_the_token(browser: Browser, shop: Service) -> None:
    async with at_the_playground(browser, shop.client.url) as window:
        viewer = window.page.locator("#access output")
        await expect(viewer).to_have_text("anonymous")
        await window.write_query(ACTIVITY)
        await window.run_button.click()
        assert "FORBIDDEN" in str(await window.answer("FORBIDDEN"))

        await field(window).fill(f"Bearer {token('staff')}")
        await expect(viewer).to_contain_text("Ada the staff, until ")
        await window.run_button.click()
        assert (await window.answer('"nodes"'))["data"]["activity"] == {"nodes": []}

        await window.run("Watch")
        watched = await window.answer("newestFirst")
        assert "errors" not in watched["newestFirst"][0]
        if path := os.environ.get("ACCESS_SCREENSHOT"):
            await window.page.screenshot(path=path)

        await window.page.reload()
        await expect(viewer).to_contain_text("Ada the staff, until ")


async def test_a_bad_token_is_said_to_be_one(browser: Browser, shop: Service) -> None:
    async with at_the_playground(browser, shop.client.url) as window:
        window.expected = ("401",)
        await field(window).fill("nonsense")
        await expect(window.page.locator("#access output")).to_have_text("not a token")
        await window.write_query(ACTIVITY)
        await window.run_button.click()
        assert "UNAUTHENTICATED" in str(await window.answer("UNAUTHENTICATED"))

        await field(window).fill(token("staff", seconds=-600))
        await expect(window.page.locator("#access output")).to_contain_text(", expired ")
        await window.run("Watch")
        assert "The token has expired" in str(await window.answer("expired"))


_EVENTS = """
(token) => new Promise(async (resolve) => {
  const headers = { Authorization: `Bearer ${token}` };
  const exchange = await fetch("/graphql/session", { method: "POST", headers });
  const query = encodeURIComponent("subscription { readModelUpdates { __typename } }");
  const events = new EventSource(`/graphql?query=${query}`);
  events.addEventListener("next", ({ data }) => {
    events.close();
    resolve({ status: exchange.status, cookie: document.cookie, ...JSON.parse(data) });
  });
  events.onerror = () => resolve({ status: exchange.status, failed: true });
})
"""


async def test_an_event_source_has_the_token_in_a_cookie(browser: Browser, shop: Service) -> None:
    async with at_the_playground(browser, shop.client.url) as window:
        answer = await window.page.evaluate(_EVENTS, token("staff"))
        assert (answer["status"], answer["cookie"]) == (204, "")
        assert answer["data"] == {"readModelUpdates": {"__typename": "Heartbeat"}}


async def test_an_open_service_asks_for_no_token(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:  # type: ignore[attr-defined]
        await expect(field(window)).to_be_hidden()
