"""What goes on in one tab of the playground while another one is used."""

import asyncio
import re

import pytest
from playwright.async_api import Browser, Route, WebSocketRoute, expect

from tests.service import Service
from tests.web.browser import at_the_playground

pytestmark = pytest.mark.campaign


async def test_watch_goes_on_while_another_tab_is_used(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.run("Watch")
        begun = await window.answer("newestFirst")
        sku = await window.add_product()
        await window.answer(sku)
        await expect(window.outcome).to_contain_text("Accepted in")
        await expect(window.running).to_contain_text("Watch:")

        await window.choose("Watch")
        seen = await window.answer("ProductAdded")
        assert seen["received"] > begun["received"]
        await expect(window.stop_button).to_be_visible()
        await window.add_product()
        await window.choose("Watch")
        await window.page.wait_for_function(
            """count => JSON.parse(document.querySelector(".result-window .CodeMirror").CodeMirror.getValue()
                || "{}").received > count""",
            arg=seen["received"],
        )


async def test_a_watch_that_is_stopped_says_so(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.run("Watch")
        await window.answer("newestFirst")
        await window.stop_button.click()
        await expect(window.outcome).to_contain_text(re.compile(r"^Watch stopped after \d+ messages?$"))
        await expect(window.running).to_be_hidden()
        await window.run_button.click()
        await expect(window.running).to_contain_text("Watch:")


async def test_a_tab_that_is_closed_ends_its_watch(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.run("Watch")
        await window.answer("newestFirst")
        await window.choose("Browse")
        await expect(window.running).to_contain_text("Watch:")
        await window.tabs.filter(has_text="Watch").hover()
        await window.page.get_by_role("button", name="Close Tab").last.click()
        await expect(window.outcome).to_contain_text("Watch stopped after")
        await expect(window.running).to_be_hidden()


async def test_a_new_tab_does_not_show_what_another_one_watches(
    browser: Browser, running_service: Service
) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.run("Watch")
        await window.answer("newestFirst")
        await window.press("Add tab")
        await expect(window.hint).to_contain_text("Write an operation")
        async with at_the_playground(browser, running_service.url) as editor:
            await editor.answer(await editor.add_product())
        await window.choose("Watch")
        await window.answer("ProductAdded")
        await window.choose("<untitled>")
        await expect(window.hint).to_contain_text("Write an operation")


async def test_a_watch_that_lost_its_connection_says_so(browser: Browser, running_service: Service) -> None:
    sockets: list[WebSocketRoute] = []

    async with at_the_playground(browser, running_service.url) as window:

        def through(socket: WebSocketRoute) -> None:
            socket.connect_to_server()
            sockets.append(socket)

        await window.page.route_web_socket("**/graphql", through)
        await window.open()
        await window.run("Watch")
        await window.answer("newestFirst")
        await window.choose("Browse")
        await sockets[0].close(code=1012, reason="restart")
        await expect(window.outcome).to_contain_text(
            "The connection to the service was closed (1012 restart)"
        )
        await window.choose("Watch")
        ended = await window.answer("1012 restart")
        assert ended["received"] == len(ended["newestFirst"]) > 0
        await expect(window.run_button).to_be_visible()


async def test_a_late_answer_is_shown_in_the_tab_that_asked(
    browser: Browser, running_service: Service
) -> None:
    released = asyncio.Event()

    async def slow(route: Route) -> None:
        await released.wait()
        await route.continue_()

    async with at_the_playground(browser, running_service.url) as window:
        await window.page.route("**/graphql", slow)
        await window.run("Browse")
        await expect(window.hint).to_contain_text("Waiting for the answer")
        await window.choose("Watch")
        await expect(window.hint).to_contain_text("Press ▶ or Ctrl-Enter to start")
        released.set()
        await expect(window.outcome).to_contain_text("Answered in")
        await expect(window.hint).to_contain_text("Press ▶ or Ctrl-Enter to start")
        await window.choose("Browse")
        assert (await window.answer("totalCount"))["data"]["products"]["totalCount"] > 0
