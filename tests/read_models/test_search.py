"""What searches of the shop front find, and in which order."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from app.cqrs.messages import Event
from app.cqrs.reading.pages import Listing
from app.cqrs.searching.matches import matches
from app.read_models.product_listing import ProductOrder, product_listing, product_page
from app.values import Sku
from tests.read_models.conftest import Given
from tests.read_models.searching import all_found, page, reading
from tests.read_models.shop import product_added, product_discontinued

SHOP = [
    ("TEA-1", "Zen pot for two", "Fireproof"),
    ("POT-9", "Green tea", "Sencha from tea-1000"),
    ("POT-8", "A teapot", "Steel, for tea"),
    ("POT-7", "Mug", "For tea, 1 pint"),
    ("POT-6", "Cup", "Goes with the teapot of 1950"),
    ("BOOK-1", "J.R.R. Tolkien", "Don't panic"),
    ("BOOK-2", "Jam and roses", "Red"),
    ("BOOK-3", "Øl og smørrebrød", "Łódź"),
    ("CHINA-1", "中文支持茶壶", "茶"),
    ("KETTLE", "Copper kettle", "Whistles"),
]


@pytest.fixture
def given(given_to_search: Given) -> Given:
    return given_to_search


def shop() -> list[Event]:
    return [
        product_added(UUID(int=number), sku=Sku(sku), name=name, description=description, category="Goods")
        for number, (sku, name, description) in enumerate(SHOP, 1)
    ]


def found_by(
    search: str, order: ProductOrder = ProductOrder.RELEVANCE, *, descending: bool = False
) -> Listing:
    return product_page({}, order, search=search, descending=descending)


async def skus(given: Given, listing: Listing) -> Sequence[str]:
    return [document["sku"] for document in await all_found(given.store, listing)]


FIRST_FIVE = {
    # Each with what it found when words were beginnings and nothing else, sorted by name.
    "tea-1": (["POT-6", "POT-9", "POT-7", "TEA-1"], ["TEA-1", "POT-7", "POT-6", "POT-9"]),
    "J.R.R.": (["BOOK-1", "BOOK-2"], ["BOOK-1"]),
    "smorrebrod": ([], ["BOOK-3"]),
    "茶壶": ([], ["CHINA-1"]),
    "kettel": ([], ["KETTLE"]),
}


@pytest.mark.parametrize("search", FIRST_FIVE)
async def test_finds_what_the_first_search_did_not_find_or_not_first(given: Given, search: str) -> None:
    await given(product_listing, *shop())
    before, now = FIRST_FIVE[search]
    assert await skus(given, found_by(search)) == now != before


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("tea", ["POT-9", "POT-8", "POT-7", "TEA-1", "POT-6"]),
        ("te", ["POT-8", "POT-9", "POT-6", "POT-7", "TEA-1"]),
        ("tea1", ["TEA-1"]),
        ("pot 9", ["POT-9"]),
        ("green te", ["POT-9"]),
        ("dont", ["BOOK-1"]),
        ("don\u2019t", ["BOOK-1"]),
        ("jrr tol", ["BOOK-1"]),
        ("J R R", ["BOOK-1", "BOOK-2"]),
        ("j. r.", ["BOOK-1"]),
        ("lodz", ["BOOK-3"]),
        ("ØL", ["BOOK-3"]),
        ("支持茶", ["CHINA-1"]),
        ("壶", ["CHINA-1"]),
        ("壶茶", []),
    ],
)
async def test_ranks_whole_words_before_beginnings_and_names_before_other_fields(
    given: Given, search: str, found: Sequence[str]
) -> None:
    await given(product_listing, *shop())
    assert await skus(given, found_by(search)) == found
    assert await skus(given, found_by(search, descending=True)) == found[::-1]
    assert sorted(await skus(given, found_by(search, ProductOrder.PRICE))) == sorted(found)
    assert await reading(given.store, "product_listing").count(found_by(search)) == len(found)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        *((typed, ["KETTLE"]) for typed in ("kettel", "ketle", "kettlle", "kottle", "ettle", "cpper kettel")),
        *((typed, []) for typed in ("kttel", "kete", "pto", "cpper kittel mug", "kettle tea")),
        ("smorebrod", ["BOOK-3"]),
        ("senhca", ["POT-9"]),
        ("teapott", ["POT-8", "POT-6"]),
    ],
)
async def test_forgives_one_wrong_letter_in_words_that_nothing_begins_with(
    given: Given, typed: str, found: Sequence[str]
) -> None:
    await given(product_listing, *shop())
    for order in ProductOrder:
        assert sorted(await skus(given, found_by(typed, order))) == sorted(found)
    assert await skus(given, found_by(typed)) == found


async def test_a_word_that_occurs_is_never_taken_for_a_misspelt_one(given: Given) -> None:
    house = product_added(UUID(int=50), sku=Sku("H-1"), name="House", description="", category="Goods")
    horse = product_added(UUID(int=51), sku=Sku("H-2"), name="Horse", description="", category="Goods")
    await given(product_listing, house, horse, product_discontinued(UUID(int=51)))
    assert await skus(given, found_by("horse")) == ["H-2"]
    on_sale = product_page({"discontinued": False}, ProductOrder.RELEVANCE, search="horse")
    assert await skus(given, on_sale) == []


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("search", ["te", "tea", "tea-1", "goods", "goodz", "ĝoods j"])
async def test_pages_by_relevance_have_each_product_once_in_both_directions(
    given: Given, search: str, descending: bool
) -> None:
    await given(product_listing, *shop())
    listing = found_by(search, descending=descending)
    expected = await skus(given, listing)
    for size in (1, 2, 3):
        forward: list[str] = []
        arguments: dict[str, Any] = {"first": size}
        while True:
            part = await page(given.store, listing, **arguments)
            assert part.has_previous is ("after" in arguments)
            forward += [document["sku"] for document in part.documents]
            if not part.has_next:
                break
            arguments["after"] = part.cursors[-1]
        assert forward == expected
        backward: list[str] = []
        arguments = {"last": size}
        while True:
            part = await page(given.store, listing, **arguments)
            backward = [document["sku"] for document in part.documents] + backward
            if not part.has_previous:
                break
            arguments["before"] = part.cursors[0]
        assert backward == expected
    if len(expected) > 2:
        whole = await page(given.store, listing, first=100)
        between: dict[str, Any] = {"after": whole.cursors[0], "before": whole.cursors[-1]}
        assert [each["sku"] for each in (await page(given.store, listing, **between)).documents] == expected[
            1:-1
        ]


async def test_relevance_without_a_search_is_the_order_of_names(given: Given) -> None:
    await given(product_listing, *shop())
    unsearched = product_page({}, ProductOrder.RELEVANCE)
    assert await skus(given, unsearched) == await skus(given, product_page({}, ProductOrder.NAME))


@pytest.mark.parametrize(
    ("search", "sku", "where"),
    [
        ("tea1", "TEA-1", [("sku", ["tea1"])]),
        ("pot te", "POT-8", [("sku", ["pot"]), ("name", ["teapot"]), ("description", ["tea"])]),
        ("kettel", "KETTLE", [("sku", ["kettle"]), ("name", ["kettle"])]),
        ("茶壶", "CHINA-1", [("name", ["茶壶"])]),
        ("goo", "KETTLE", [("category", ["goods"])]),
    ],
)
async def test_says_in_which_fields_it_was_found_and_by_which_words(
    given: Given, search: str, sku: str, where: Sequence[tuple[str, Sequence[str]]]
) -> None:
    await given(product_listing, *shop())
    found = await page(given.store, found_by(search))
    [document] = [document for document in found.documents if document["sku"] == sku]
    assert found.listing.search
    assert list(matches(found.listing.search, document)) == where
