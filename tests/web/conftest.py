from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.web.browser import chromium


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser
