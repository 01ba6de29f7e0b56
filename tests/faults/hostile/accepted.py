"""Operations that ask for as much as is accepted: each is made as large as the limits allow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, get_introspection_query, parse

from app.graphql.admission.counting import formula, fragments_of
from app.graphql.admission.limits import MOST_TOKENS, refuse_too_large
from app.graphql.admission.lists import refuse_long_lists
from app.graphql.execution.operation import problem_with_length
from app.graphql.internals.strawberry import core_schema
from schema.root import schema
from tests.faults.hostile.target import Target

Body = dict[str, Any]
Make = Callable[[Target, int], Body]
"""A function that makes an operation of a size."""

LARGEST = 4_096
ROUNDS_OF_A_SEARCH = 12

_ORDER = (
    "id status total { amount } shippingFee { amount } placedAt customer { name } lines { title quantity }"
)
_PRODUCT = "id sku name category description packaging price { amount currencyCode } onHand available version"


def largest(make: Make, target: Target) -> Body:
    """Return the largest operation of its kind that is accepted."""
    low, high = 1, LARGEST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_accepted(make(target, middle)) else (low, middle - 1)
    return make(target, low)


def is_accepted(body: Mapping[str, Any]) -> bool:
    """Return whether an operation is within all limits of its size and cost."""
    text, variables = body["query"], body.get("variables")
    if problem_with_length(text):
        return False
    try:
        document = parse(text, max_tokens=MOST_TOKENS)
        refuse_too_large(document)
        refuse_long_lists(variables)
        [operation] = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
        formula(core_schema(schema), fragments_of(document), operation).cost(variables)
    except GraphQLError:
        return False
    except KeyError:  # A field that does not exist is refused later; the text is within the limits.
        return True
    return True


def _aliases(count: int, field: str, kind: str = "query") -> str:
    return f"{kind} {{" + " ".join(f"a{number}: {field}" for number in range(count)) + "}"


def _of(field: str, kind: str = "query") -> Make:
    return lambda _target, size: {"query": _aliases(size, field, kind)}


def _with(field: str, declared: str, **variables: Any) -> Make:
    def make(_target: Target, size: int) -> Body:
        return {
            "query": f"query ({declared}) {_aliases(size, field).removeprefix('query ')}",
            "variables": variables,
        }

    return make


def _fields_of_a_page(_target: Target, size: int) -> Body:
    names = " ".join(f"n{number}: name" for number in range(size))
    return {"query": f"{{ products(first: 100) {{ nodes {{ {names} }} }} }}"}


def _pages_in_pages(argument: str) -> Make:
    def make(_target: Target, size: int) -> Body:
        inner = f"orders({argument}: 100) {{ nodes {{ {_ORDER} }} }}"
        return {"query": f"{{ customers({argument}: {min(size, 100)}) {{ nodes {{ name {inner} }} }} }}"}

    return make


def _page_sizes(_target: Target, size: int) -> Body:
    inner = f"orders(first: $m) {{ nodes {{ {_ORDER} }} }}"
    return {
        "query": f"query ($n: Int, $m: Int) {{ customers(first: $n) {{ nodes {{ {inner} }} }} }}",
        "variables": {"n": min(size, 100), "m": 100},
    }


def _spreads(_target: Target, size: int) -> Body:
    spreads = " ".join(f"a{number}: products(first: 20) {{ nodes {{ ...P }} }}" for number in range(size))
    return {"query": f"{{ {spreads} }} fragment P on Product {{ {_PRODUCT} }}"}


def _chain(_target: Target, size: int) -> Body:
    depth = min(size, 12)
    bodies = [f"fragment F{n} on Product {{ a{n}: name ...F{n + 1} ...F{n + 1} }}" for n in range(depth)]
    return {
        "query": f"{{ products(first: 100) {{ nodes {{ ...F0 }} }} }} {' '.join(bodies)} "
        f"fragment F{depth} on Product {{ {_PRODUCT} }}"
    }


def _directives(_target: Target, size: int) -> Body:
    fields = " ".join(f"n{n}: name @include(if: $v{n % 8}) @skip(if: $w)" for n in range(size))
    declared = " ".join(f"$v{n}: Boolean!" for n in range(8))
    return {
        "query": f"query ({declared} $w: Boolean!) {{ products(first: 100) {{ nodes {{ {fields} }} }} }}",
        "variables": {**{f"v{n}": True for n in range(8)}, "w": False},
    }


def _ids(target: Target, size: int) -> Body:
    known = target.products + target.orders + target.customers
    ids = [known[number % len(known)] for number in range(min(size, 100))]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Order { lines { title } } } }"
    return {"query": query, "variables": {"ids": ids}}


def _single_nodes(target: Target, size: int) -> Body:
    ids = target.orders
    fields = (
        f'a{n}: node(id: "{ids[n % len(ids)]}") {{ ... on Order {{ id status }} }}' for n in range(size)
    )
    return {"query": f"{{ {' '.join(fields)} }}"}


def _searches(_target: Target, size: int) -> Body:
    fields = (
        f'a{n}: products(first: 20, filter: {{ search: "{chr(97 + n % 26)}{n}" }}) '
        "{ totalCount nodes { id } }"
        for n in range(size)
    )
    return {"query": f"{{ {' '.join(fields)} }}"}


def _literals(_target: Target, size: int) -> Body:
    names = " ".join(f'"{number}"' for number in range(min(size, 1_000)))
    return {"query": f"{{ products(filter: {{ categories: [{names}] }}) {{ totalCount }} }}"}


def _comment(_target: Target, size: int) -> Body:
    return {"query": "{ products(first: 1) { nodes { id } } } #" + "x" * (24 * size)}


def _stock(target: Target, size: int) -> Body:
    input = f'{{ productId: "{target.products[0]}", quantity: 1 }}'
    one = f"receiveStock(input: {input}) {{ product {{ {_PRODUCT} }} }}"
    return {"query": _aliases(size, one, "mutation")}


def _order_lines(target: Target, size: int) -> Body:
    lines = [{"productId": target.products[n % 50], "quantity": 1} for n in range(100)]
    mutations = " ".join(f"a{n}: placeOrder(input: $i) {{ errors {{ code path }} }}" for n in range(size))
    return {
        "query": f"mutation ($i: PlaceOrderInput!) {{ {mutations} }}",
        "variables": {"i": {"customerId": target.customers[0], "lines": lines}},
    }


def _mistakes(_target: Target, size: int) -> Body:
    return {"query": "{" + " ".join(f"nothing{number}" for number in range(size)) + "}"}


def _overlapping(_target: Target, size: int) -> Body:
    return {
        "query": "{" + "products { nodes { name ...F } } " * size + "} fragment F on Product { name sku }"
    }


def _introspection(_target: Target, _size: int) -> Body:
    return {"query": get_introspection_query(descriptions=True)}


CATEGORIES = [f"category {number}" for number in range(1_000)]


@dataclass(frozen=True)
class Heavy:
    """A kind of operation; one that is not valid is refused for its mistakes, and not for its size."""

    make: Make
    is_valid: bool = True


ACCEPTED: dict[str, Heavy] = {
    "aliases of a page": Heavy(_of(f"products(first: 100) {{ nodes {{ {_PRODUCT} }} }}")),
    "aliases of a field in a page": Heavy(_fields_of_a_page),
    "aliases of `__typename`": Heavy(_of("__typename")),
    "pages in a page": Heavy(_pages_in_pages("first")),
    "pages in a page, from the end": Heavy(_pages_in_pages("last")),
    "page sizes in variables": Heavy(_page_sizes),
    "pages of orders": Heavy(_of("orders(first: 100) { nodes { orderId } }")),
    "a fragment in many pages": Heavy(_spreads),
    "a chain of fragments, each twice": Heavy(_chain),
    "directives with variables": Heavy(_directives),
    "ids in a list": Heavy(_ids),
    "single nodes": Heavy(_single_nodes),
    "a list of 1,000 categories, in aliases": Heavy(
        _with("products(first: 1, filter: { categories: $c }) { totalCount }", "$c: [String!]", c=CATEGORIES)
    ),
    "a list of 1,000 statuses, in aliases": Heavy(
        _with(
            "orders(first: 1, filter: { status: $s }) { totalCount }",
            "$s: [OrderStatus!]",
            s=["PLACED"] * 1_000,
        )
    ),
    "a list in the text": Heavy(_literals),
    "facets": Heavy(_of("products(first: 1) { totalCount facets { categories { category count } } }")),
    "searches": Heavy(_searches),
    "sums": Heavy(_of("orders(first: 1) { totalCount totals { orders units revenue { amount } } }")),
    "best-sellers": Heavy(
        _of("sales { bestSellers(first: 100) { units } byDay(first: 100) { nodes { day } } }")
    ),
    "the audit trail": Heavy(_of("activity(first: 100) { nodes { type at actor commandId } }")),
    "freshness": Heavy(_of("freshness { readModel position head state }")),
    "introspection": Heavy(_introspection),
    "mutations that read back": Heavy(_stock),
    "orders of 100 lines": Heavy(_order_lines),
    "a comment": Heavy(_comment),
    "fields that do not exist": Heavy(_mistakes, is_valid=False),
    "fields that overlap": Heavy(_overlapping, is_valid=False),
}
"""The kinds of heavy operations."""
