"""Queries: which products are found, in which order, on which page; and what ids lead to."""

from typing import Any
from uuid import uuid4

import pytest

from app.cqrs.opaque import wrapped
from schema.circle.ids import global_id
from tests.schema.client import Client
from tests.schema.shop import Shop

PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


async def products(client: Client, shown: str = "nodes { name }", **arguments: Any) -> Any:
    query = f"""query ($filter: ProductFilter, $orderBy: ProductSort,
            $first: Int, $after: String, $last: Int, $before: String) {{
        products(filter: $filter, orderBy: $orderBy,
            first: $first, after: $after, last: $last, before: $before) {{ {shown} {PAGE} }} }}"""
    return (await client.send(query, arguments)).data["products"]


def names(page: Any) -> list[str]:
    return [node["name"] for node in page["nodes"]]


async def test_products_are_found_by_the_beginnings_of_words_without_accents(
    client: Client, shop: Shop
) -> None:
    here: dict[str, Any] = {"category": "Search"}
    await shop.product(name="Crème Brûlée", description="Sweet, from Paris", sku="QRY-CREME", **here)
    await shop.product(name="ΣΊΓΜΑ Σ", **here)
    await shop.product(name="★ C++", **here)
    ice = await shop.product(name="Ice (cream)", **here)
    assert (await client.mutate("updateProduct", "product { id }", productId=ice, description="a.b*c"))[
        "product"
    ]
    for search, found in {
        "creme": ["Crème Brûlée"],
        "BRÛL par": ["Crème Brûlée"],
        "rulee": ["Crème Brûlée"],
        "rule": [],
        "qry-cr": ["Crème Brûlée"],
        "sear cr": ["Crème Brûlée", "Ice (cream)"],
        "σιγμασ": ["ΣΊΓΜΑ Σ"],
        "σιμσ": [],
        "σίγμ": ["ΣΊΓΜΑ Σ"],
        "(cream) .*": ["Ice (cream)"],
        ".*": [],
        "!!!": [],
        "": [],
        "★": ["★ C++"],
        "c++": ["★ C++"],
        "c": ["Ice (cream)", "Crème Brûlée", "★ C++"],
    }.items():
        page = await products(client, filter={"search": search, "categories": ["Search"]})
        assert names(page) == found, search


async def test_text_in_both_forms_is_one_category_and_is_found_by_either(client: Client, shop: Shop) -> None:
    composed, decomposed = "Caf\u00e9s", "Cafe\u0301s"
    await shop.product(name="Cr\u00e8me", category=composed)
    await shop.product(name="Cre\u0300me", category=decomposed)
    for category in (composed, decomposed):
        for search in (None, "cr\u00e8me", "cre\u0300me", composed, decomposed):
            asked = {"categories": [category], "search": search}
            page = await products(
                client, "nodes { name category } facets { categories { category count } }", filter=asked
            )
            assert page["facets"]["categories"] == [{"category": composed, "count": 2}], asked
            assert names(page) == ["Cr\u00e8me", "Cr\u00e8me"]


@pytest.fixture
async def fruit(client: Client, shop: Shop) -> str:
    """A category of four: c and b in stock, d sold out, a off sale; d sold best."""
    category = f"Fruit {uuid4()}"
    ids = {}
    for name, price, stock in (("c", "3.00", 5), ("a", "1.00", 0), ("b", "2.00", 1), ("d", "3.00", 2)):
        ids[name] = await shop.product(name=name, price=price, stock=stock, category=category)
    await client.mutate("discontinueProduct", "", productId=ids["a"])
    await shop.order(product=ids["c"])
    sold_out = [{"productId": ids["d"], "quantity": 2}]
    await client.mutate("placeOrder", "order { id }", customerId=await shop.customer(), lines=sold_out)
    head = await client.mutate(
        "changePrice", "product { id }", productId=ids["b"], unitPrice={"amount": "2.50"}
    )
    assert head["product"]
    return category


async def test_products_are_filtered_by_every_condition_and_by_all_together(
    client: Client, fruit: str
) -> None:
    for asked, found in (
        ({}, ["a", "b", "c", "d"]),
        ({"priceFrom": "2.5"}, ["b", "c", "d"]),
        ({"priceTo": "2.50"}, ["a", "b"]),
        ({"priceFrom": "2.51", "priceTo": "2.99"}, []),
        ({"inStock": True}, ["b", "c"]),
        ({"inStock": False}, ["a", "d"]),
        ({"discontinued": True}, ["a"]),
        ({"discontinued": False, "inStock": True, "priceFrom": "3"}, ["c"]),
        ({"search": None, "priceFrom": None, "inStock": None}, ["a", "b", "c", "d"]),
    ):
        page = await products(client, filter={"categories": [fruit], **asked})
        assert names(page) == found, asked
    assert names(await products(client, filter={"categories": []})) == []
    assert names(await products(client, filter={"categories": ["nowhere", fruit]})) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("field", "rising"), [("NAME", "abcd"), ("PRICE", "abcd"), ("BEST_SELLING", "abcd"), ("ADDED_AT", "cabd")]
)
async def test_products_are_sorted_both_ways(client: Client, fruit: str, field: str, rising: str) -> None:
    for direction, expected in (("ASC", rising), ("DESC", rising[::-1])):
        order = {"field": field, "direction": direction}
        page = await products(client, filter={"categories": [fruit]}, orderBy=order)
        assert sorted(names(page)) == sorted(rising)
        if field in ("NAME", "ADDED_AT"):
            assert "".join(names(page)) == expected
        elif field == "PRICE":
            assert "".join(names(page)).replace("dc", "cd") in ("abcd", "cdba")
            assert (names(page)[0] == "a") is (direction == "ASC")
        else:
            assert names(page).index("d") == (3 if direction == "ASC" else 0)


async def test_facets_and_counts_cover_all_pages(client: Client, fruit: str) -> None:
    facets = "categories { category count } lowestPrice { amount } highestPrice { amount } inStock"
    shown = f"totalCount nodes {{ name }} facets {{ {facets} }}"
    page = await products(client, shown, filter={"categories": [fruit]}, first=1)
    assert page["totalCount"] == 4
    assert page["facets"] == {
        "categories": [{"category": fruit, "count": 4}],
        "lowestPrice": {"amount": "1.00"},
        "highestPrice": {"amount": "3.00"},
        "inStock": 2,
    }
    empty = await products(client, shown, filter={"categories": []})
    assert (empty["totalCount"], empty["facets"]["categories"], empty["facets"]["lowestPrice"]) == (
        0,
        [],
        None,
    )


async def test_pages_go_forward_and_backward_and_join_without_gap_or_double(
    client: Client, fruit: str
) -> None:
    here: dict[str, Any] = {
        "filter": {"categories": [fruit]},
        "orderBy": {"field": "PRICE", "direction": "DESC"},
    }
    shown = "edges { cursor node { name } } nodes { name }"
    whole = names(await products(client, shown, **here))
    first = await products(client, shown, first=3, **here)
    rest = await products(client, shown, first=3, after=first["pageInfo"]["endCursor"], **here)
    assert names(first) + names(rest) == whole
    assert (first["pageInfo"]["hasNextPage"], first["pageInfo"]["hasPreviousPage"]) == (True, False)
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)
    assert [edge["node"]["name"] for edge in first["edges"]] == names(first)
    assert first["edges"][0]["cursor"] == first["pageInfo"]["startCursor"]

    back = await products(client, shown, last=2, before=rest["pageInfo"]["startCursor"], **here)
    assert names(back) == whole[1:3]
    assert back["pageInfo"]["hasPreviousPage"] is True
    assert names(await products(client, shown, last=1, **here)) == whole[-1:]
    between = {"after": first["edges"][0]["cursor"], "before": rest["pageInfo"]["startCursor"]}
    for _ in range(3):  # The query is compiled by then, and its answer kept.
        inner = await products(client, shown, **between, **here)
        assert names(inner) == whole[1:3]
        assert (inner["pageInfo"]["hasNextPage"], inner["pageInfo"]["hasPreviousPage"]) == (True, True)
    nothing = await products(client, shown, first=0, **here)
    assert nothing["nodes"] == []
    assert nothing["pageInfo"]["endCursor"] is None


async def test_cursors_stay_where_they_are_while_products_come(client: Client, shop: Shop) -> None:
    category = f"Growing {uuid4()}"
    for name in ("b", "d", "f"):
        await shop.product(name=name, category=category)
    here: dict[str, Any] = {"filter": {"categories": [category]}}
    assert (await client.mutate("registerCustomer", "customer { id }", name="x"))["customer"]
    first = await products(client, first=2, **here)
    assert names(first) == ["b", "d"]
    for name in ("a", "c", "e"):
        added = await client.mutate(
            "addProduct",
            "product { id }",
            sku=f"G-{uuid4().hex[:9]}",
            name=name,
            category=category,
            unitPrice={"amount": "1"},
        )
        assert added["product"]
    assert names(await products(client, first=9, after=first["pageInfo"]["endCursor"], **here)) == ["e", "f"]
    assert names(await products(client, last=9, before=first["pageInfo"]["endCursor"], **here)) == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": 1, "last": 1},
        {"first": 101},
        {"last": 101},
        {"first": -1},
        {"last": -1},
        {"after": "nonsense"},
        {"after": ""},
        {"before": "é"},
        {"after": "W10"},
        {"after": "A" * 100_000},
    ],
)
async def test_page_arguments_that_make_no_sense_are_told(client: Client, arguments: dict[str, Any]) -> None:
    query = """query ($first: Int, $after: String, $last: Int, $before: String) {
        products(first: $first, after: $after, last: $last, before: $before) { totalCount } }"""
    answer = await client.send(query, arguments)
    assert answer.codes == ["BAD_PAGE"]
    assert answer.body["errors"][0]["path"] == ["products"]


async def test_a_cursor_of_another_order_is_refused(client: Client, fruit: str) -> None:
    cursor = (await products(client, first=1))["pageInfo"]["endCursor"]
    query = "query ($after: String) { products(after: $after, orderBy: {field: PRICE}) { totalCount } }"
    assert (await client.send(query, {"after": cursor})).codes == ["BAD_PAGE"]
    customers = "query ($after: String) { orders(after: $after) { totalCount } }"
    assert (await client.send(customers, {"after": cursor})).codes == ["BAD_PAGE"]


@pytest.mark.parametrize("field", ["product", "order", "customer"])
async def test_an_unknown_key_is_null_and_another_types_id_an_error(client: Client, field: str) -> None:
    query = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} node(id: $id) {{ id }} }}"
    unknown = await client.send(query, {"id": global_id(field.capitalize(), uuid4())})
    assert unknown.data == {field: None, "node": None}
    foreign = await client.send(query, {"id": global_id("Activity", uuid4())})
    assert (foreign.codes, foreign.body["data"]) == (["BAD_ID"], {field: None, "node": None})
    for garbage in ("", "x", "é", "🙂", "A" * 9999, "Oi8v", 12):
        answer = await client.send(query, {"id": garbage})
        assert answer.codes == ["BAD_ID", "BAD_ID"], garbage
        assert sorted(error["path"][0] for error in answer.body["errors"]) == sorted([field, "node"])


KEY = "0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f"


@pytest.mark.parametrize(
    "key",
    [
        "",
        KEY.upper(),
        KEY.replace("-", ""),
        f"{{{KEY}}}",
        f"urn:uuid:{KEY}",
        f" {KEY}",
        f"{KEY}\n",
        "+" + KEY.replace("-", "")[1:],
        "0x" + KEY.replace("-", "")[2:],
        KEY.replace("-", "").replace("0190", "0_90"),
        KEY.replace("9", "\u0669"),
    ],
    ids=ascii,
)
async def test_a_key_that_is_not_written_as_the_service_writes_it_is_no_id(client: Client, key: str) -> None:
    id = wrapped(f"Product:{key}".encode())
    answer = await client.send("query ($id: ID!) { product(id: $id) { id } }", {"id": id})
    assert answer.codes == ["BAD_ID"]
    assert "is not an id. Send one as you received it." in answer.body["errors"][0]["message"]
    assert (await client.send("query ($id: ID!) { node(id: $id) { id } }", {"id": id})).data == {"node": None}
    payload = await client.mutate("receiveStock", "", productId=id, quantity=1)
    assert [error["code"] for error in payload["errors"]] == ["INVALID_INPUT"]


async def test_nodes_takes_at_most_100_ids(client: Client) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    id = global_id("Product", uuid4())
    assert (await client.send(query, {"ids": [id] * 100})).data["nodes"] == [None] * 100
    assert (await client.send(query, {"ids": [id] * 101})).codes == ["BAD_ID"]


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_rankings_and_months_are_at_most_100(client: Client, first: int) -> None:
    answer = await client.send(
        f"{{ sales {{ bestSellers(first: {first}) {{ sku }} byMonth(first: {first}) {{ orders }}"
        f" byCustomer(first: {first}) {{ orders }} }} }}"
    )
    assert answer.codes == ["BAD_PAGE"] * 3
