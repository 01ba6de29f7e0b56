"""Searches through the API: their order, what they say of each hit, and what else can be chosen."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from app.config import Settings
from tests.inprocess import Service as InProcess
from tests.inprocess import serving
from tests.schema.client import Client
from tests.schema.shop import Shop

PRODUCTS = """query ($filter: ProductFilter, $orderBy: ProductSort, $first: Int, $after: String) {
    products(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
        totalCount
        facets { categories { count } }
        edges { cursor matches { field words } node { name } }
        pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture(scope="module", params=["mongodb", "fts5"])
async def service(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[InProcess]:
    """A service with each search engine."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("searches"),
        mongodb_url=mongo_url,
        mongodb_database=f"searches-{request.param}",
        read_cache_mb=64,
        search_engine=request.param,
    )
    async with serving(settings) as running:
        yield running
    assert settings.search_index_file.exists() is (request.param == "fts5")


@pytest.fixture
async def teas(client: Client, shop: Shop) -> str:
    """A category of four products that a search for tea finds, the last of them by its SKU."""
    category = "Hot drinks"
    made = (await client.send(PRODUCTS, {"filter": {"categories": [category]}})).data["products"]
    if made["totalCount"]:
        return category
    for sku, name, description in (
        ("REL-1", "A teapot", "Steel"),
        ("REL-2", "Black tea", "Loose"),
        ("REL-3", "Mug", "For tea"),
        ("TEA", "Zinc jar", "Airtight"),
    ):
        await shop.product(sku=sku, name=name, description=description, category=category)
    return category


def names(found: Any) -> list[str]:
    return [edge["node"]["name"] for edge in found["edges"]]


async def test_a_search_is_sorted_by_relevance_unless_another_order_is_given(
    client: Client, teas: str
) -> None:
    ranked = ["Zinc jar", "Black tea", "Mug", "A teapot"]
    for order, found in (
        (None, ranked),
        ({"field": "RELEVANCE"}, ranked),
        ({"field": "RELEVANCE", "direction": "DESC"}, ranked[::-1]),
        ({"field": "NAME"}, sorted(ranked)),
    ):
        variables = {"filter": {"search": "tea", "categories": [teas]}, "orderBy": order}
        page = (await client.send(PRODUCTS, variables)).data["products"]
        assert names(page) == found
        assert (page["totalCount"], page["facets"]["categories"]) == (4, [{"count": 4}])
    unsearched = {"filter": {"categories": [teas]}}
    assert names((await client.send(PRODUCTS, unsearched)).data["products"]) == sorted(ranked)


async def test_pages_of_a_search_join_without_gap_or_double(client: Client, teas: str) -> None:
    for search in ("tea", "teaa", "drniks"):
        variables: dict[str, Any] = {"filter": {"search": search, "categories": [teas]}}
        whole = names((await client.send(PRODUCTS, variables)).data["products"])
        joined: list[str] = []
        while True:
            page = (await client.send(PRODUCTS, variables | {"first": 1})).data["products"]
            joined += names(page)
            if not page["pageInfo"]["hasNextPage"]:
                break
            variables["after"] = page["pageInfo"]["endCursor"]
        assert joined == whole


async def test_a_cursor_of_a_search_is_for_its_order_only(client: Client, teas: str) -> None:
    searched = {"filter": {"search": "tea", "categories": [teas]}}
    cursor = (await client.send(PRODUCTS, searched)).data["products"]["pageInfo"]["endCursor"]
    by_name = searched | {"after": cursor, "orderBy": {"field": "NAME"}}
    assert (await client.send(PRODUCTS, by_name)).codes == ["BAD_PAGE"]
    unsearched = {"after": cursor}
    assert (await client.send(PRODUCTS, unsearched)).codes == ["BAD_PAGE"]


async def test_each_hit_says_in_which_fields_it_was_found(client: Client, teas: str) -> None:
    for search, found in {
        "tea": {
            "Zinc jar": [{"field": "sku", "words": ["tea"]}],
            "Black tea": [{"field": "name", "words": ["tea"]}],
            "Mug": [{"field": "description", "words": ["tea"]}],
            "A teapot": [{"field": "name", "words": ["teapot"]}],
        },
        "teaopt": {"A teapot": [{"field": "name", "words": ["teapot"]}]},
    }.items():
        variables = {"filter": {"search": search, "categories": [teas]}}
        for _ in range(3):  # by graphql-core, compiled, and from memory
            edges = (await client.send(PRODUCTS, variables)).data["products"]["edges"]
            assert {edge["node"]["name"]: edge["matches"] for edge in edges} == found
    unsearched = (await client.send(PRODUCTS, {"filter": {"categories": [teas]}})).data["products"]["edges"]
    assert all(edge["matches"] == [] for edge in unsearched)


async def test_a_kept_search_is_forgotten_once_another_product_is_found(
    client: Client, shop: Shop, teas: str
) -> None:
    for search in ("airthight", "airthights"):
        variables = {"filter": {"search": search, "categories": [teas]}}
        for _ in range(3):
            found = names((await client.send(PRODUCTS, variables)).data["products"])
            assert found == (["Zinc jar"] if search == "airthight" else [])
    # From now on the word is no misspelling of another one.
    await shop.product(name="Airthights", category=f"Other {teas}")
    for search in ("airthight", "airthights"):
        variables = {"filter": {"search": search, "categories": [teas]}}
        assert names((await client.send(PRODUCTS, variables)).data["products"]) == []


CUSTOMERS = """query ($filter: CustomerFilter) { customers(filter: $filter) {
    edges { matches { field words } node { name } } } }"""


async def test_customers_are_found_by_place_and_telephone(client: Client) -> None:
    address = {"street": "1 Quay", "city": "Århus", "postalCode": "DK-8000", "country": "Denmark"}
    for name, given in (
        ("Aarhus Traders", {}),
        ("Bo", {"address": address, "phone": "+45 (0)86 12-34.56"}),
    ):
        assert (await client.mutate("registerCustomer", "customer { id }", name=name, **given))["customer"]
    for search, found in {
        "arhus": ["Bo"],
        "ÅRHUS denm": ["Bo"],
        "dk-8000": ["Bo"],
        "86123456": ["Bo"],
        "086 12 34 56": ["Bo"],
        "+45 86 12 34 56": ["Bo"],
        "quay": [],
    }.items():
        edges = (await client.send(CUSTOMERS, {"filter": {"search": search}})).data["customers"]["edges"]
        assert [edge["node"]["name"] for edge in edges] == found, search
    [hit] = (await client.send(CUSTOMERS, {"filter": {"search": "aarhus trad"}})).data["customers"]["edges"]
    assert hit["matches"] == [{"field": "name", "words": ["aarhus", "traders"]}]


CHOICES = """query ($filter: ProductFilter, $bounds: [Decimal!]) { products(filter: $filter) { totalCount
    choices(priceBounds: $bounds) {
        categories { category count chosen } prices { priceFrom { amount } priceTo { amount } count }
        lowestPrice { amount } highestPrice { amount } inStock soldOut } } }"""


async def test_each_choice_counts_without_its_own_condition_and_with_all_others(
    client: Client, shop: Shop
) -> None:
    word = f"Choice{uuid4().hex}"
    red, blue, grey = f"Red {word}", f"Blue {word}", f"$Grey {word}"
    for category, price, stock in (
        (red, "5.00", 1),
        (red, "19.99", 0),
        (red, "20.00", 1),
        (blue, "15.00", 1),
        (blue, "700.00", 0),
        (grey, "15.00", 1),
    ):
        await shop.product(name=word, category=category, price=price, stock=stock)

    async def chosen(bounds: list[str] | None = None, **filter: Any) -> Any:
        variables = {"filter": {"search": word, **filter}, "bounds": bounds}
        return (await client.send(CHOICES, variables)).data["products"]

    def counts(found: Any) -> Any:
        return {each["category"]: (each["count"], each["chosen"]) for each in found["choices"]["categories"]}

    def ranges(found: Any) -> Any:
        return [
            (*(each[side] and each[side]["amount"] for side in ("priceFrom", "priceTo")), each["count"])
            for each in found["choices"]["prices"]
        ]

    everything = await chosen()
    assert counts(everything) == {red: (3, False), blue: (2, False), grey: (1, False)}
    assert ranges(everything) == [
        (None, "9.99", 1),
        ("10.00", "19.99", 3),
        ("20.00", "49.99", 1),
        ("500.00", "999.99", 1),
    ]
    assert (everything["choices"]["inStock"], everything["choices"]["soldOut"]) == (4, 2)
    for low, high, count in ranges(everything):
        bounded = {name: value for name, value in (("priceFrom", low), ("priceTo", high)) if value}
        assert (await chosen(**bounded))["totalCount"] == count

    some = await chosen(categories=[red, grey], inStock=True, priceTo="15")
    assert some["totalCount"] == 2
    assert counts(some) == {red: (1, True), blue: (1, False), grey: (1, True)}
    assert ranges(some) == [(None, "9.99", 1), ("10.00", "19.99", 1), ("20.00", "49.99", 1)]
    assert (some["choices"]["lowestPrice"], some["choices"]["highestPrice"]) == (
        {"amount": "5.00"},
        {"amount": "20.00"},
    )
    assert (some["choices"]["inStock"], some["choices"]["soldOut"]) == (2, 0)

    assert ranges(await chosen(["15.00"])) == [(None, "14.99", 1), ("15.00", None, 5)]
    assert ranges(await chosen([])) == [(None, None, 6)]
    nothing = await chosen(categories=["nowhere"])
    assert counts(nothing)["nowhere"] == (0, True)
    assert (await chosen(search="!"))["choices"]["lowestPrice"] is None


@pytest.mark.parametrize(
    "bounds",
    [["2", "1"], ["1", "1"], ["0"], ["-1"], ["0.001"], ["1e30"], ["NaN"], [str(n) for n in range(1, 40)]],
)
async def test_bounds_that_make_no_sense_are_refused(client: Client, bounds: list[str]) -> None:
    assert (await client.send(CHOICES, {"bounds": bounds})).codes == ["BAD_USER_INPUT"]


async def test_a_search_with_a_token_finds_what_the_command_before_it_has_changed(
    client: Client, shop: Shop
) -> None:
    word = f"Fresh{uuid4().hex}"
    product, search = await shop.product(name=f"{word} 0"), {"filter": {"search": word}}
    for number in range(1, 30):
        name = f"{word} {number}"
        assert (await client.mutate("updateProduct", "", productId=product, name=name))["errors"] == []
        assert names((await client.send(PRODUCTS, search)).data["products"]) == [name]
