"""The operators' page in a browser window, and what tests look for on it."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import jwt
from playwright.async_api import Browser, Locator

from tests.access.issuer import SECRET
from tests.inprocess import Service
from tests.web.browser import Window

Scheme = Literal["light", "dark"]


def token(role: str) -> str:
    claims = {"sub": f"Ada the {role}", "roles": [role], "exp": int(time.time()) + 3600}
    return jwt.encode(claims, SECRET, algorithm="HS256")


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
    assert window.complaints == [], window.complaints


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
