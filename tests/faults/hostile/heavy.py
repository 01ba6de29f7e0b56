"""Operations that ask for much with few words."""

from collections.abc import Callable
from itertools import cycle, islice
from random import Random

from tests.faults.hostile.attacks import attack
from tests.faults.hostile.target import Reply, Target

Make = Callable[[Target, Random], dict[str, object]]

ROOM = 950_000
"""Bytes of a list in a body, which has at most a million."""

_ORDERS = "orders(first: 100) { nodes { id status total { amount } lines { title quantity } } }"


def _aliases(count: int, field: str) -> str:
    return "{" + " ".join(f"a{number}: {field}" for number in range(count)) + "}"


def _many(texts: list[str]) -> list[str]:
    """As many of them, again and again, as fit into a body."""
    return list(islice(cycle(texts), ROOM // (max(map(len, texts)) + 3)))


def _pages(target: Target, chance: Random) -> dict[str, object]:
    return {"query": _aliases(60, f"customers(first: 100) {{ nodes {{ name {_ORDERS} }} }}")}


def _pages_by_variables(target: Target, chance: Random) -> dict[str, object]:
    page = "customers(first: $n) { nodes { orders(first: $n) { nodes { id } } } }"
    return {"query": f"query ($n: Int) {_aliases(40, page)}", "variables": {"n": chance.choice((100, 99))}}


def _from_the_end(target: Target, chance: Random) -> dict[str, object]:
    return {"query": _aliases(60, "customers(last: 100) { nodes { orders(last: 100) { nodes { id } } } }")}


def _introspection(target: Target, chance: Random) -> dict[str, object]:
    types = "__schema { types { name description fields { name description args { name } } } }"
    return {"query": _aliases(150, types)}


def _tokens(target: Target, chance: Random) -> dict[str, object]:
    tokens = _many(target.tokens)
    query = "query ($t: [ConsistencyToken!]) { products(first: 1, atLeast: $t) { totalCount } }"
    return {"query": query, "variables": {"t": tokens}}


def _tokens_that_differ(target: Target, chance: Random) -> dict[str, object]:
    body = target.token
    tokens = [body[:-2] + f"{number:02X}"[-2:] + body for number in range(10_000)]
    query = "query ($t: [ConsistencyToken!]) { products(first: 1, atLeast: $t) { totalCount } }"
    return {"query": query, "variables": {"t": tokens}}


def _categories(target: Target, chance: Random) -> dict[str, object]:
    categories = [f"{chance.random()}"[:9] for _ in range(60_000)]
    query = "query ($c: [String!]) " + _aliases(
        40, "products(first: 1, filter: {categories: $c}) { totalCount }"
    )
    return {"query": query, "variables": {"c": categories}}


def _nodes(target: Target, chance: Random) -> dict[str, object]:
    ids = _many(target.products + target.orders)
    return {"query": "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", "variables": {"ids": ids}}


def _statuses(target: Target, chance: Random) -> dict[str, object]:
    query = "query ($s: [OrderStatus!]) { orders(first: 1, filter: {status: $s}) { totalCount } }"
    return {"query": query, "variables": {"s": ["PLACED", "PAID"] * 30_000}}


def _models(target: Target, chance: Random) -> dict[str, object]:
    query = "query ($m: [ReadModelName!]) { freshness(readModels: $m) { readModel position } }"
    return {"query": query, "variables": {"m": ["ORDER_LIST"] * 50_000}}


def _mutations(target: Target, chance: Random) -> dict[str, object]:
    one = f'receiveStock(input: {{productId: "{target.products[0]}", quantity: 1}}) {{ product {{ id }} }}'
    return {"query": f"mutation {_aliases(100, one)}"}


def _lines(target: Target, chance: Random) -> dict[str, object]:
    lines = [{"productId": chance.choice(target.products), "quantity": 1}] * 10_000
    query = "mutation ($i: PlaceOrderInput!) { placeOrder(input: $i) { errors { code message } } }"
    return {"query": query, "variables": {"i": {"customerId": target.customers[0], "lines": lines}}}


def _best_sellers(target: Target, chance: Random) -> dict[str, object]:
    return {
        "query": _aliases(
            80, "sales { bestSellers(first: 100) { units } byDay(first: 100) { nodes { day } } }"
        )
    }


def _facets(target: Target, chance: Random) -> dict[str, object]:
    word = f"{chance.random()}"
    counts = "{ facets { categories { category count } } totalCount }"
    facets = f'products(filter: {{search: "{word}"}}) {counts}'
    return {"query": _aliases(150, facets)}


def _fragments(target: Target, chance: Random) -> dict[str, object]:
    width = chance.randint(2, 12)
    spread = "b%d: freshness { position } ...F%d"
    bodies = (" ".join(spread % (m, n + 1) for m in range(width)) for n in range(30))
    chain = " ".join(f"fragment F{n} on Query {{ {body} }}" for n, body in enumerate(bodies))
    return {"query": f"{{ ...F0 }} {chain} fragment F30 on Query {{ freshness {{ position }} }}"}


def _overlapping(target: Target, chance: Random) -> dict[str, object]:
    return {"query": "{" + "products { nodes { name ...F } } " * 300 + "} fragment F on Product { name sku }"}


def _deep(target: Target, chance: Random) -> dict[str, object]:
    depth = chance.choice((30, 300, 3_000))
    return {"query": "{" + "products { nodes {" * depth + "id" + "}}" * depth + "}"}


def _large_text(target: Target, chance: Random) -> dict[str, object]:
    return {"query": "{ freshness { position } } #" + f"{chance.random()}" * 45_000}


def _large_inline_list(target: Target, chance: Random) -> dict[str, object]:
    names = " ".join(f'"{number}"' for number in range(3_900))
    return {"query": f"{{ products(filter: {{categories: [{names}]}}) {{ totalCount }} }}"}


def _long_search(target: Target, chance: Random) -> dict[str, object]:
    words = "".join(chance.choice("abcdefgh \u0301é") for _ in range(900_000))
    query = "query ($s: String) { products(filter: {search: $s}) { totalCount } }"
    return {"query": query, "variables": {"s": words}}


def _long_numbers(target: Target, chance: Random) -> dict[str, object]:
    query = "query ($p: Decimal) { products(filter: {priceFrom: $p}) { totalCount } }"
    return {"query": query, "variables": {"p": "9" * 900_000}}


OPERATIONS: dict[str, Make] = {
    "60 aliases of pages of pages": _pages,
    "pages by variables": _pages_by_variables,
    "pages from the end": _from_the_end,
    "150 aliases of introspection": _introspection,
    "as many tokens as fit": _tokens,
    "10,000 tokens that differ": _tokens_that_differ,
    "60,000 categories in 40 aliases": _categories,
    "as many ids as fit": _nodes,
    "60,000 statuses": _statuses,
    "50,000 read models": _models,
    "100 mutations": _mutations,
    "10,000 lines of an order": _lines,
    "80 aliases of sales": _best_sellers,
    "150 aliases of facets": _facets,
    "fragments that multiply": _fragments,
    "fields that overlap": _overlapping,
    "a deep selection": _deep,
    "a text of 900 kB": _large_text,
    "3,900 categories in the text": _large_inline_list,
    "a long search": _long_search,
    "a long number": _long_numbers,
}


async def sent(target: Target, chance: Random, name: str) -> Reply | None:
    """The answer to the operation's second time: what comes again is compiled."""
    body = OPERATIONS[name](target, chance)
    await target.post(name, body)
    return await target.post(name, body)


def _register(name: str) -> None:
    @attack(name, weight=0.1)
    async def send(target: Target, chance: Random) -> None:
        await sent(target, chance, name)


for _name in OPERATIONS:
    _register(_name)
