"""Bad input is answered: with a code and a message, never with a traceback, a hang or a half-done command."""

import time
from typing import Any

import pytest

from app.graphql.admission import limits
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop

INT_MAX = 2**31 - 1


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Any:
    """What a client does wrong is not worth a line in the operator's log."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []


def fragments(count: int, *, spreads: int = 2, last: str = "__typename") -> str:
    """A chain of fragments, each of which spreads the next one so many times."""
    chain = (f"fragment f{i} on Query {{ {f'...f{i + 1} ' * spreads}}}" for i in range(count))
    return f"{{ ...f0 }} {' '.join(chain)} fragment f{count} on Query {{ {last} }}"


TOO_LARGE = {
    "exponential fragments": fragments(30),
    "exponential fragments that lead nowhere": fragments(30, last="...nowhere"),
    "exponential fragments that are skipped": fragments(30, last="__typename @skip(if: true)"),
    "a long chain of fragments": fragments(480, spreads=1),
    "deep fields": "{ a" * 60 + "}" * 60,
    "deep inline fragments": "{ ... on Query " * 60 + "{ __typename }" + "}" * 60,
    "wide selections": "{" + "".join(f" a{i}: __typename" for i in range(1001)) + "...f ...f }"
    " fragment f on Query {" + " __typename" * 600 + "}",
    "the same field again and again": "{" + " products { nodes { name } }" * 400 + "}",
    "the same field in many types": '{ node(id: "x") {'
    + "... on Product { name } ... on Customer { name } " * 150
    + "} }",
    "an unused fragment": "{ __typename } fragment f on Query {" + " products { nodes { name } }" * 400 + "}",
    "more faults than anyone reads": "{ node(" + " ".join(f"a{i}: 1" for i in range(900)) + ") { id } }",
    "a number of 5,000 digits": "{ products(first: " + "9" * 5000 + ") { totalCount } }",
    "a price of 5,000 digits": "{ products(filter: {priceFrom: 1." + "9" * 5000 + "}) { totalCount } }",
    "a long search": '{ products(filter: {search: "' + "x" * 900_000 + '"}) { totalCount } }',
    "many words": '{ customers(filter: {search: "' + "x " * 400_000 + '"}) { totalCount } }',
}


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_what_is_too_large_is_refused_quickly(client: Client, name: str) -> None:
    async def seconds(comment: str) -> float:
        """Of this process, in which garbage of other tests may be collected meanwhile."""
        began = time.process_time()
        answer = await client.send(TOO_LARGE[name] + comment)
        assert answer.codes == ["LIMIT_EXCEEDED"], answer.body
        return time.process_time() - began

    assert min([await seconds(comment) for comment in ("", "# again", "# once more")]) < 0.5


NOT_GRAPHQL = {
    "too many tokens": "{" + " a" * 5000 + "}",
    "too many aliases": "{" + "".join(f" a{i}: __typename" for i in range(1400)) + "}",
    "a deep list": "{ products(first: " + "[" * 10_000 + "]" * 10_000 + ") { totalCount } }",
    "a deep type": "query ($a: " + "[" * 3000 + "Int" + "]" * 3000 + ") { __typename }",
    "brackets without end": "{" * 100_000,
    "brackets behind a comment": "{ #" + "}" * 1000 + "\n" + "a {" * 900,
    "nothing but a comment": "# hello",
    "a NUL": "{ \0 }",
    "a lone surrogate": '{ product(id: "\\ud800") { id } }',
    "an open string": '{ product(id: "',
}


@pytest.mark.parametrize("name", NOT_GRAPHQL)
async def test_what_can_not_be_parsed_is_told(client: Client, name: str) -> None:
    answer = await client.send(NOT_GRAPHQL[name])
    assert answer.codes == ["GRAPHQL_PARSE_FAILED"]
    assert "data" not in answer.body


async def test_variables_that_are_nested_too_deeply_are_refused(client: Client) -> None:
    variables = b"[" * 300 + b"]" * 300
    for query in (
        b"{ __typename }",
        b"mutation { __typename }",
        b"subscription { readModelUpdates { __typename } }",
    ):
        body = b'{"query":"%b","variables":{"a":%b}}' % (query, variables)
        answer = await client.http.post(
            f"{client.url}/graphql", content=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
            400,
            "variables are nested too deeply. Send fewer levels.",
        )


WRONG = {
    "an unknown field": "{ produckts }",
    "an unknown argument": "{ products(frist: 1) { totalCount } }",
    "a cycle of fragments": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "many cycles of fragments": "{ ...f0 } "
    + " ".join(f"fragment f{i} on Query {{ ...f{(i + 1) % 9} }}" for i in range(9)),
    "a fragment that spreads itself": "{ ...a } fragment a on Query { ...a }",
    "deep introspection": "{ __schema { types { fields { type { fields { type { fields { name }" + "}" * 7,
    "an integer of 32 bits": "{ products(first: 2147483648) { totalCount } }",
    "a float for an integer": "{ products(first: 1e100) { totalCount } }",
    "a position": "{ order { id } }",
}
NOT_EXECUTABLE = {
    "several operations": "query A { __typename } query B { __typename }",
    "several anonymous operations": "{ __typename } { __typename }",
    "a missing variable": "query ($id: ID!) { product(id: $id) { id } }",
    "a subscription": "subscription { readModelUpdates { __typename } }",
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_does_not_fit_the_schema_is_told(client: Client, name: str) -> None:
    answer = await client.send(WRONG[name])
    assert set(answer.codes) == {"GRAPHQL_VALIDATION_FAILED"}
    assert answer.status == 200


@pytest.mark.parametrize("name", NOT_EXECUTABLE)
async def test_a_valid_document_that_can_not_be_executed_like_this_is_told(client: Client, name: str) -> None:
    answer = await client.send(NOT_EXECUTABLE[name])
    assert set(answer.codes) == {"BAD_USER_INPUT"}
    assert answer.status == 200


async def test_operations_within_the_limits_are_answered(client: Client) -> None:
    for query in (
        fragments(9),
        "{ ... on Query " * 30 + "{ __typename }" + "}" * 30,
        "{" + "".join(f" a{i}: products(first: 1) {{ totalCount }}" for i in range(100)) + "}",
        '{ products(filter: {search: "' + "({[" * 60 + '"}) { totalCount } }',
    ):
        assert (await client.send(query)).data


async def test_absurd_quantities_are_refused_and_change_nothing(client: Client, shop: Shop) -> None:
    product, customer = await shop.product(stock=1), await shop.customer()
    for quantity in (0, -1, 1_000_001, INT_MAX, -INT_MAX - 1):
        received = await client.mutate("receiveStock", "", productId=product, quantity=quantity)
        line = {"productId": product, "quantity": quantity}
        placed = await client.mutate("placeOrder", "", customerId=customer, lines=[line])
        paths = [error["path"] for error in (*received["errors"], *placed["errors"])]
        assert paths == [["input", "quantity"], ["input", "lines", "0", "quantity"]]
    mutation = """mutation ($id: ID!, $value: Int!) {
        receiveStock(input: {productId: $id, quantity: $value}) { errors { code } } }"""
    wrong: list[Any] = [INT_MAX + 1, 1e100, 1.5, "1", True, None, [1, 2], {}]
    for value in wrong:
        assert (await client.send(mutation, {"id": product, "value": value})).codes == ["BAD_USER_INPUT"], (
            value
        )
    after = await client.mutate("receiveStock", "product { onHand }", productId=product, quantity=1)
    assert after["product"]["onHand"] == 2


async def test_prices_are_whole_cents_in_the_shops_currency(client: Client, shop: Shop) -> None:
    product = await shop.product(price="5.00")
    for amount, currency in (
        ("0.001", "USD"),
        ("-0.01", "USD"),
        ("10000000", "USD"),
        ("1e30", "USD"),
        ("1", "EUR"),
        ("1", "usd"),
        ("1", ""),
    ):
        price = {"amount": amount, "currencyCode": currency}
        refused = await client.mutate("changePrice", "", productId=product, unitPrice=price)
        assert [(e["code"], e["path"]) for e in refused["errors"]] == [
            ("INVALID_INPUT", ["input", "unitPrice"])
        ]
    exact: dict[Any, str] = {
        "0": "0.00",
        "-0": "0.00",
        "9999999.99": "9999999.99",
        19.9: "19.90",
        "1.10e1": "11.00",
    }
    for given, kept in exact.items():
        changed = await client.mutate(
            "changePrice", "product { price { amount } }", productId=product, unitPrice={"amount": given}
        )
        assert changed["product"]["price"]["amount"] == kept
    literal = """mutation ($id: ID!) { changePrice(input: {productId: $id, unitPrice: {amount: 0.1}}) {
        product { price { amount } } } }"""
    answer = await client.send(literal, {"id": product})
    assert answer.data["changePrice"]["product"]["price"]["amount"] == "0.10"


async def test_an_order_has_1_to_100_lines_and_discounts_from_0_to_1(client: Client, shop: Shop) -> None:
    product, customer = await shop.product(stock=100), await shop.customer()
    line = {"productId": product, "quantity": 1}
    for lines in ([], [line] * 101, [line] * 1000):
        placed = await client.mutate("placeOrder", "", customerId=customer, lines=lines)
        assert [(e["code"], e["path"]) for e in placed["errors"]] == [("INVALID_INPUT", ["input", "lines"])]
    for discount in ("-0.1", "1.0001", "0.00001", "1e30"):
        placed = await client.mutate(
            "placeOrder", "", customerId=customer, lines=[line | {"discount": discount}]
        )
        assert [error["path"] for error in placed["errors"]] == [["input", "lines", "0", "discount"]]
    free = line | {"discount": "1.0000"}
    placed = await client.mutate(
        "placeOrder", "order { total { amount } }", customerId=customer, lines=[line] * 99 + [free]
    )
    assert placed["order"]["total"]["amount"] == "990.00"


TEXTS = [
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇨🇭",
    "שלום \u200f(עולם)\u200e",
    "مرحبا بالعالم",
    "Z̸̧͝a̶͠lgo é é",
    "漢字 한국어 ไทย 𝕏𐍈",
    "a\u2028b\u00a0c\ufeffd\u200be",
    "line\nbreak\ttab",
    "<script>alert('\"&amp;')</script> $where {{7*7}} %s ' OR 1=1 --",
]


async def test_text_of_any_script_comes_back_byte_for_byte(client: Client, shop: Shop) -> None:
    for text in TEXTS:
        added = await client.mutate(
            "addProduct",
            "product { id }",
            sku=f"TEXT-{TEXTS.index(text)}",
            name=text,
            category=text,
            description=text,
            packaging=text,
            unitPrice={"amount": "1"},
        )
        query = "query ($id: ID!) { product(id: $id) { name category description packaging } }"
        product = (await client.send(query, {"id": added["product"]["id"]})).data["product"]
        assert {value.encode() for value in product.values()} == {text.encode()}
        found = await client.send(
            "query ($in: [String!]) { products(filter: {categories: $in}) { totalCount } }", {"in": [text]}
        )
        assert found.data["products"]["totalCount"] == 1


async def test_text_that_is_too_long_empty_or_no_text_is_refused(client: Client) -> None:
    good = {"sku": "LONG-1", "name": "N", "category": "C", "unitPrice": {"amount": "1"}}
    for field, value in (
        ("name", "x" * 201),
        ("name", "🙂" * 201),
        ("name", " \u3000\n"),
        ("name", "a\0b"),
        ("name", "\x1b[31m"),
        ("description", "x" * 4001),
        ("category", "x" * 101),
        ("packaging", "x" * 500_000),
        ("sku", "x" * 41),
        ("sku", "a b"),
        ("sku", "ß"),  # whose upper case is SS
        ("sku", "\u017f"),  # S
        ("sku", "١٢"),
        ("sku", ""),
    ):
        refused = await client.mutate("addProduct", "", **{**good, field: value})
        assert [(e["code"], e["path"]) for e in refused["errors"]] == [("INVALID_INPUT", ["input", field])], (
            value
        )
        assert len(refused["errors"][0]["message"]) < 200
    for email in ("a", "a@b", "@b.c", "a@b.c d", "a@@b.c", "x" * 255 + "@b.c", "a@b..c"):
        refused = await client.mutate("registerCustomer", "", name="N", email=email)
        assert [error["path"] for error in refused["errors"]] == [["input", "email"]], email


async def test_orders_are_not_placed_in_the_future_or_before_anyone_kept_books(
    client: Client, shop: Shop
) -> None:
    product, customer = await shop.product(stock=9), await shop.customer()
    lines = [{"productId": product, "quantity": 1}]
    for placed_at in (
        "9999-12-31T23:59:59.000Z",
        "2999-01-01T00:00:00.000+14:00",
        "1899-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00.000Z",
    ):
        refused = await client.mutate("placeOrder", "", customerId=customer, lines=lines, placedAt=placed_at)
        assert [(e["code"], e["path"]) for e in refused["errors"]] == [
            ("INVALID_INPUT", ["input", "placedAt"])
        ]


async def test_a_fault_of_our_own_says_nothing_of_its_cause(
    service: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_arguments: Any, **_named: Any) -> Any:
        raise RuntimeError("password=hunter2")

    for owner, name, query in (
        (type(service.circle.documents), "find", "{ products { nodes { id } } }"),
        (
            type(service.circle.commands),
            "execute",
            'mutation { registerCustomer(input: {name: "N"}) { errors { code } } }',
        ),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, broken)
            answer = await service.client.send(query)
        assert answer.codes == ["INTERNAL"]
        assert "hunter2" not in str(answer.body)
        assert "RuntimeError" not in str(answer.body)
        assert "RuntimeError" in caplog.text
        assert "hunter2" not in caplog.text
        caplog.clear()


def test_the_largest_number_that_a_field_takes_is_within_the_limit_of_digits() -> None:
    assert limits.MOST_DIGITS > 34
