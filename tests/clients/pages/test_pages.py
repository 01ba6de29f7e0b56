"""What people do at the pages, and see there: nobody loads a page again."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.clients.pages.visitors import CLERK, Desk, customer_token

pytestmark = pytest.mark.campaign


async def add_pots(desk: Desk, mark: str) -> None:
    """Add five products whose SKUs begin with the mark; the SKU of one is the mark."""
    for more, name, category, price, stock in (
        ("", "Pot with a lid", "Kitchen", "24.90", 3),
        ("-STAND", f"{mark} stand", "Kitchen", "14.90", 5),
        ("-BRUSH", f"{mark} brush", "Cleaning", "4.50", 0),
        ("-SOIL", f"{mark} soil", "Garden", "7.90", 9),
        ("-TROLLEY", f"{mark} trolley", "Garden", "129.00", 2),
    ):
        await desk.shop.product(
            sku=f"{mark}{more}".upper(),
            name=name,
            description=f"Made for a {mark}.",
            category=category,
            price=price,
            stock=stock,
        )


def tiles(page: Page) -> Locator:
    return page.locator(".tile")


def row(page: Page, customer: str) -> Locator:
    """The row of a customer's only order in the back office."""
    return page.get_by_role("row").filter(has_text=customer)


async def test_a_search_shows_the_exact_code_first_and_what_comes_later_too(
    desk: Desk, tmp_path: Path
) -> None:
    await add_pots(desk, "Teapot")
    async with desk.visit("ShopFront") as page:
        await page.get_by_label("Search").fill("teapot")
        await expect(tiles(page)).to_have_count(5)
        await expect(tiles(page).first).to_contain_text("Pot with a lid")
        await expect(tiles(page).first).to_contain_text("found in sku, description")
        await desk.shop.product(name="Teapot", category="Kitchen", sku="LATE-1")
        await expect(tiles(page).filter(has_text="LATE-1")).to_contain_text("found in name")
        await expect(page.get_by_text("6 found")).to_be_visible()
        await page.screenshot(path=tmp_path / "search.png")


async def test_each_facet_counts_what_another_choice_would_find(desk: Desk, tmp_path: Path) -> None:
    await add_pots(desk, "Flowerpot")
    async with desk.visit("ShopFront") as page:
        await page.get_by_label("Search").fill("flowerpot")
        cheap = page.get_by_text("up to $9.99")
        await expect(cheap).to_have_text("up to $9.99 2")
        await page.get_by_label("Garden").check()
        await page.get_by_label("Kitchen").check()
        await expect(tiles(page)).to_have_count(4)
        await expect(page.get_by_text(re.compile("Cleaning 1"))).to_be_visible()
        await expect(cheap).to_have_text("up to $9.99 1")
        await cheap.click()
        await expect(tiles(page)).to_have_count(1)
        await expect(tiles(page)).to_contain_text("Flowerpot soil")
        await expect(page.get_by_text("$100.00 to $199.99")).to_have_text("$100.00 to $199.99 1")
        await page.screenshot(path=tmp_path / "facets.png")


async def test_an_order_goes_from_the_shop_to_the_back_office_and_its_states_to_the_customer(
    desk: Desk, tmp_path: Path
) -> None:
    await add_pots(desk, "Coffeepot")
    ada = customer_token(await desk.shop.customer(name="Ada of the round"))
    async with (
        desk.visit("ShopFront", ada) as shop,
        desk.visit("BackOffice", CLERK) as office,
        desk.visit("Customer", ada) as own,
    ):
        await expect(own.get_by_role("heading")).to_have_text("Orders of Ada of the round")
        await expect(own.get_by_role("listitem")).to_have_count(0)
        await shop.get_by_label("Search").fill("coffeepot")
        await shop.locator("[href='#COFFEEPOT']").click()
        await shop.get_by_label("Quantity").fill("2")
        await shop.get_by_role("button", name="Order").click()
        await expect(shop.get_by_text("Thank you")).to_be_visible()
        await expect(shop.get_by_text("1 available")).to_be_visible()
        await shop.screenshot(path=tmp_path / "product.png")

        order = row(office, "Ada of the round")
        await expect(order).to_contain_text("$49.80 placed", use_inner_text=True)
        await expect(own.get_by_role("listitem")).to_contain_text("placed")
        await order.get_by_role("button", name="Paid").click()
        await expect(order).to_contain_text("paid")
        await order.get_by_role("button", name="Ship").click()
        await expect(order).to_contain_text("shipped")
        await office.screenshot(path=tmp_path / "office.png")

        await expect(own.get_by_role("listitem")).to_contain_text("shipped")
        await own.get_by_role("listitem").get_by_role("link").click()
        steps = own.get_by_label("Order").get_by_role("listitem")
        await expect(steps).to_have_text([re.compile(f"^{step}") for step in ("placed", "paid", "shipped")])
        await own.screenshot(path=tmp_path / "own.png")


async def test_a_customer_sees_their_order_on_the_next_page_and_cancels_it(desk: Desk) -> None:
    await add_pots(desk, "Stockpot")
    bea = customer_token(await desk.shop.customer(name="Bea who cancels"))
    async with (
        desk.visit("ShopFront", bea, about="STOCKPOT") as page,
        desk.visit("BackOffice", CLERK) as office,
    ):
        await page.get_by_label("Quantity").fill("4")
        await page.get_by_role("button", name="Order").click()
        await expect(page.get_by_role("alert")).to_contain_text("3")
        await page.get_by_label("Quantity").fill("3")
        await page.get_by_role("button", name="Order").click()
        await page.get_by_role("link", name="Your order").click()
        await expect(page.get_by_label("Order")).to_contain_text("3 ×")
        await expect(row(office, "Bea who cancels")).to_contain_text("placed")
        await page.get_by_role("button", name="Cancel this order").click()
        await expect(page.get_by_label("Order")).to_contain_text("cancelled")
        await expect(row(office, "Bea who cancels")).to_contain_text("cancelled")
        await page.get_by_role("link", name="Pot with a lid").click()
        await expect(page.get_by_text("3 available")).to_be_visible()


async def test_the_back_office_shows_what_fits_its_filter_and_ships_all_that_is_paid(
    desk: Desk, tmp_path: Path
) -> None:
    customer = await desk.shop.customer(name="Cy with many")
    for _ in range(3):
        order = await desk.shop.order(customer=customer)
        await desk.shop.client.mutate("payOrder", "", orderId=order)
    await desk.shop.order(customer=customer)
    async with desk.visit("BackOffice", CLERK) as page:
        orders = page.locator("tbody tr")
        await row(page, "Cy with many").first.get_by_role("button", name="Cy with many").click()
        await expect(orders).to_have_count(4)
        await page.get_by_label("paid").check()
        await expect(orders).to_have_count(3)
        await expect(page.get_by_text("3 in all, $30.00")).to_be_visible()
        await page.screenshot(path=tmp_path / "paid.png")
        await page.get_by_role("button", name="Ship all that are paid").click()
        await expect(orders).to_have_count(0)
        await expect(page.get_by_text("0 in all, $0.00")).to_be_visible()
        await page.get_by_label("shipped").check()
        await expect(orders).to_have_count(3)


async def test_nobody_else_sees_an_order_and_only_customers_place_one(desk: Desk) -> None:
    await add_pots(desk, "Inkpot")
    order = await desk.shop.order(customer=await desk.shop.customer(name="Dan alone"))
    eve = customer_token(await desk.shop.customer(name="Eve"))
    async with desk.visit("Customer", eve, about=order) as page:
        await expect(page.get_by_role("alert")).to_have_text("There is no such order.")
    async with desk.visit("Customer", about=order) as page:
        await expect(page.get_by_role("alert")).to_have_text("Sign in to see your orders.")
    for token in ("", CLERK):
        async with desk.visit("ShopFront", token, about="INKPOT") as page:
            await expect(page.get_by_text("Sign in to order.")).to_be_visible()
