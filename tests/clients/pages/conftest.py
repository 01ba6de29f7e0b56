from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.clients.pages.visitors import Desk, open_desk
from tests.node import NpmProject
from tests.service import running
from tests.viewing.roles import SECRET
from tests.web.browser import chromium


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
async def bundled(written_pages: NpmProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages as a browser loads them."""
    folder = tmp_path_factory.mktemp("bundled")
    await written_pages.run("pages/build.js", str(folder))
    return folder


@pytest.fixture(scope="session")
async def desk(
    browser: Browser, bundled: Path, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    """An order desk whose visitors sign in."""
    folder = tmp_path_factory.mktemp("desk")
    environment = {"MONGODB_URL": mongo_url, "MONGODB_DATABASE": folder.name, "AUTH_SECRET": SECRET}
    async with (
        running(folder, "--no-demo", **environment) as service,
        open_desk(service.url, browser, bundled) as desk,
    ):
        yield desk
