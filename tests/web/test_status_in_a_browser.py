"""What the playground says of outcomes, of empty panes and of ids, and on a small screen."""

import re
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.service import Service
from tests.web.browser import at_the_playground

pytestmark = pytest.mark.campaign


@dataclass(frozen=True)
class Box:
    """Where an element is, in pixels of the window."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


async def _box(element: Locator) -> Box:
    found = await element.bounding_box()
    assert found
    return Box(found["x"], found["y"], found["width"], found["height"])


@pytest.mark.parametrize(
    ("operation", "outcome"),
    [
        ("{ freshness { state } }", r"^Answered in \d+ ms$"),
        ('{ node(id: "no id") { id } }', '^BAD_ID: "no id" is not an id'),
        ('{ a: node(id: "a") { id } b: node(id: "b") { id } }', r"^BAD_ID: .* \(and 1 more\)$"),
        (
            'mutation { cancelOrder(input: { orderId: "x" }) { receipt { token } } }',
            "^Sent: select errors",
        ),
        ('mutation { cancelOrder(input: { orderId: "x" }) { errors { code } } }', "^Refused: INVALID_INPUT$"),
        ("subscription Mine { readModelUpdates { nonsense } }", "^Mine ended after 0 messages: "),
        (
            'subscription Mine { orderUpdated(id: "no id") { cursor } }',
            '^Mine ended after 1 message: BAD_ID: "no id" is not an id',
        ),
        ("subscription Mine { readModelUpdates { __typename } }", "^Mine started$"),
    ],
)
async def test_the_status_line_tells_every_outcome(
    browser: Browser, running_service: Service, operation: str, outcome: str
) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.write_query(operation)
        await window.run_button.click()
        await expect(window.outcome).to_contain_text(re.compile(outcome))
        await expect(window.outcome).to_have_attribute("class", re.compile("fresh|behind|failed"))


async def test_the_status_line_tells_that_a_misspelt_field_was_answered_with_a_suggestion(
    browser: Browser, running_service: Service
) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        window.expected = ("status of 400",)
        await window.write_query("{ produckts { totalCount } }")
        await window.run_button.click()
        await expect(window.outcome).to_contain_text("GRAPHQL_VALIDATION_FAILED: Cannot query field")
        await expect(window.outcome).to_contain_text("Did you mean 'products'")


async def test_the_status_line_tells_that_variables_are_no_json(
    browser: Browser, running_service: Service
) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.choose("AddProduct")
        await window.variables("sku")
        await window.write_variables_text('{ "input": ')
        await window.run_button.click()
        await expect(window.outcome).to_contain_text("Variables are invalid JSON")


async def test_the_status_line_tells_that_the_service_is_gone(
    browser: Browser, running_service: Service
) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        window.expected = ("ERR_FAILED",)
        await window.page.route("**/graphql", lambda route: route.abort())
        for button, said in (
            ("Execute query", "The service gave no answer"),
            ("Re-fetch GraphQL schema", "The schema could not be loaded: The service gave no answer"),
        ):
            await window.press(button)
            await expect(window.outcome).to_contain_text(said)


async def test_the_status_line_tells_how_fresh_everything_is_while_watching(
    browser: Browser, running_service: Service
) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.run("Watch")
        await expect(window.freshness).to_contain_text(re.compile(r"all 6 read models fresh at \d+"))


async def test_an_empty_result_says_what_to_do(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        for tab, hint in (
            ("Browse", "run this query"),
            ("AddProduct", "send this command"),
            ("Watch", "start: messages appear here, newest first, and continue while you use other tabs"),
        ):
            await window.choose(tab)
            await expect(window.hint).to_contain_text(f"Press ▶ or Ctrl-Enter to {hint}")
        await window.run("Browse")
        await window.answer("totalCount")
        await expect(window.hint).to_be_hidden()


async def test_an_id_in_a_result_leads_to_its_node(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url) as window:
        await window.run("Browse")
        [first, *_] = (await window.answer("totalCount"))["data"]["products"]["nodes"]
        await window.result.get_by_text(f'"{first["id"]}"').hover()
        await window.press("Open in a new tab")
        node = (await window.answer("__typename"))["data"]["node"]
        assert (node["__typename"], node["id"], node["sku"]) == ("Product", first["id"], first["sku"])
        assert set(node["price"]) == {"amount", "currencyCode"}
        await expect(window.tabs).to_have_text(
            ["Browse", "AddProduct", "Watch", "Product"], use_inner_text=True
        )


async def test_an_id_under_the_cursor_leads_to_its_node_too(
    browser: Browser, running_service: Service
) -> None:
    """Nothing hovers on a telephone, or with a keyboard."""
    async with at_the_playground(browser, running_service.url, width=420) as window:
        await window.run("Browse")
        [first, *_] = (await window.answer("totalCount"))["data"]["products"]["nodes"]
        place = """id => {
            const editor = document.querySelector(".result-window .CodeMirror").CodeMirror;
            const line = editor.getValue().split("\\n").findIndex((text) => text.includes(id));
            editor.setCursor(line, editor.getLine(line).indexOf(id) + 3);
        }"""
        await window.page.evaluate(place, first["sku"])
        await expect(window.page.get_by_role("button", name="Open in a new tab")).to_be_hidden()
        await window.page.evaluate(place, first["id"])
        await window.press("Open in a new tab")
        assert (await window.answer("__typename"))["data"]["node"]["sku"] == first["sku"]


async def test_it_is_usable_on_a_telephone(browser: Browser, running_service: Service) -> None:
    async with at_the_playground(browser, running_service.url, width=420) as window:
        await window.run("AddProduct")
        await window.answer("addProduct")
        editor = await _box(window.page.get_by_label("Query Editor"))
        variables = await _box(window.page.get_by_label("Variables"))
        result = await _box(window.result)
        outcome = await _box(window.outcome)
        for pane in (editor, result):
            assert pane.width > 380
            assert pane.height > 150
        assert editor.bottom <= variables.top
        assert variables.bottom <= result.top
        assert result.bottom <= outcome.top
        assert outcome.bottom <= 800
        assert await window.page.evaluate("document.documentElement.scrollWidth") == 420
        for name in ("Execute query", "Show Documentation Explorer", "Open settings dialog"):
            button = await _box(window.page.get_by_role("button", name=name))
            assert 0 <= button.left < button.right <= 420
        await window.press("Show Documentation Explorer")
        docs = await _box(window.page.get_by_role("region", name="Documentation Explorer"))
        assert docs.width > 380
        assert (await _box(window.result)).height > 60
