"""Variables of any shape, for operations that are compiled because they come again and again."""

from random import Random
from typing import Any

from tests.faults.hostile.attacks import attack
from tests.faults.hostile.target import Target

KNOWN = {
    "query ($id: ID!) { product(id: $id) { id name price { amount } } }": ("id",),
    "query ($id: ID!) { node(id: $id) { id } }": ("id",),
    "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }": ("ids",),
    "query ($id: ID!, $n: Int, $after: String) { customer(id: $id) { orders(first: $n, after: $after) "
    "{ nodes { id } pageInfo { endCursor } } } }": ("id", "n", "after"),
    "query ($f: ProductFilter, $o: ProductSort, $n: Int, $a: String, $t: [ConsistencyToken!]) "
    "{ products(filter: $f, orderBy: $o, first: $n, after: $a, atLeast: $t) { totalCount nodes { id } } }": (
        *("f", "o", "n", "a", "t"),
    ),
    "query ($f: OrderFilter, $l: Int, $b: String) { orders(filter: $f, last: $l, before: $b) "
    "{ nodes { id } } }": ("f", "l", "b"),
    "query ($a: Date, $b: Date, $n: Int!) { sales(firstDay: $a, lastDay: $b) { total { orders } "
    "bestSellers(first: $n) { units } } }": ("a", "b", "n"),
    "query ($f: ActivityFilter) { activity(first: 1, filter: $f) { nodes { id } } }": ("f",),
    "query ($c: UUID!) { commandStatus(commandId: $c) { state } }": ("c",),
    "query ($s: Boolean!, $i: Boolean!) { freshness @skip(if: $s) @include(if: $i) { position } }": (
        "s",
        "i",
    ),
    "mutation ($i: ReceiveStockInput!) { receiveStock(input: $i) { errors { code message } } }": ("i",),
    "mutation ($i: PlaceOrderInput!) { placeOrder(input: $i) { errors { code message } } }": ("i",),
    "mutation ($i: UpdateCustomerInput!) { updateCustomer(input: $i) { errors { code message } } }": ("i",),
}

FIELDS = (
    *("search", "categories", "priceFrom", "priceTo", "inStock", "discontinued", "status", "customerId"),
    *(
        "placedFrom",
        "placedTo",
        "totalFrom",
        "field",
        "direction",
        "subject",
        "stream",
        "commandId",
        "atFrom",
    ),
    *("productId", "quantity", "expectedVersion", "lines", "shipTo", "placedAt", "name", "email", "address"),
)

TEXTS = (
    *(
        "",
        " ",
        "\0",
        "a\0b",
        "\ud7ff",
        "\u202e",
        "٣",
        "e\u0301" * 50,
        "$where",
        '{"$gt": ""}',
        "__proto__",
        "null",
    ),
    *("NaN", "Infinity", "-0", "1e9999", "1e-9999", "9" * 40, "0x10", "+1", "1_000", "9223372036854775808"),
    *("2026-02-30", "0000-01-01", "9999-12-31", "9999-12-31T23:59:60.000-23:59", "2026-01-31T12:00:00.000Z"),
    *(
        "PLACED",
        "NAME",
        "ASC",
        "00000000-0000-0000-0000-000000000000",
        "x" * 3_000,
        "a.b",
        "$a",
        "'; --",
        "%00",
    ),
)

NUMBERS = (
    *(
        0,
        -1,
        1,
        100,
        101,
        2**31 - 1,
        2**31,
        -(2**31) - 1,
        2**53,
        2**63 - 1,
        2**63,
        2**64 - 1,
        0.5,
        -0.0,
        1e308,
        1e-300,
    ),
)


def anything(chance: Random, target: Target, depth: int = 0) -> Any:
    """A value that may be anything: right, nearly right, or not at all."""
    match chance.randrange(11 if depth < 3 else 8):
        case 0 | 1:
            return chance.choice(TEXTS)
        case 2:
            return chance.choice(NUMBERS)
        case 3:
            return chance.choice((None, True, False))
        case 4:
            return chance.choice(target.products + target.customers + target.orders)
        case 5:
            return chance.choice(target.cursors)
        case 6:
            return bent(chance, chance.choice([*target.products, *target.cursors, target.token]))
        case 7:
            return chance.choice(target.categories)
        case 8:
            return [anything(chance, target, depth + 1) for _ in range(chance.choice((0, 1, 2, 50)))]
        case 9:
            return {
                chance.choice(FIELDS): anything(chance, target, depth + 1)
                for _ in range(chance.randint(0, 3))
            }
        case _:
            return nested(chance.choice((10, 100, 253, 254, 700)), chance.choice((True, False)))


def nested(depth: int, of_lists: bool) -> Any:
    """A value so many levels deep."""
    value: Any = "deep"
    for _ in range(depth):
        value = [value] if of_lists else {"search": value}
    return value


def bent(chance: Random, text: str) -> str:
    """The text with something of it changed."""
    at = chance.randrange(len(text)) if text else 0
    match chance.randrange(5):
        case 0:
            return text[:at] + chance.choice("0AaZ_-=+/ é\n") + text[at + 1 :]
        case 1:
            return text[:at]
        case 2:
            return text + chance.choice(("=", "A", "\0", text))
        case 3:
            return text.swapcase()
        case _:
            return chance.choice(("+", " ", "0", "-")) + text


@attack("variables of any shape", weight=6)
async def variables(target: Target, chance: Random) -> None:
    query = chance.choice(sorted(KNOWN))
    given = {name: anything(chance, target) for name in KNOWN[query] if chance.random() < 0.9}
    await target.post(f"variables of {query[:60]}", {"query": query, "variables": given})


@attack("variables that are none", weight=0.5)
async def no_variables(target: Target, chance: Random) -> None:
    query = chance.choice(sorted(KNOWN))
    await target.post("variables that are none", {"query": query, "variables": anything(chance, target)})
