"""Operations that ask for everything, made from the schema: a field that is new is asked for, too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_required_input_field,
)

from tests.viewing.roles import CUSTOMERS, Books

DEEPEST = 5
"""Levels of selected objects: deeper ones are found by other operations."""

FINAL = ("cancelOrder", "closeCustomer", "forgetCustomer")
"""Mutations after which little is left to ask for; lists of commands leave them out."""

PAGE = 3
"""Nodes on each page."""


@dataclass(frozen=True)
class Asked:
    """An operation with its variables."""

    field: str
    text: str
    variables: Mapping[str, Any]


def queries(schema: GraphQLSchema, books: Books) -> Iterator[Asked]:
    """Yield each query with everything that it can show, and with several sets of arguments."""
    assert schema.query_type
    yield from _operations(schema, "query", schema.query_type.fields, books)


def subscriptions(schema: GraphQLSchema, books: Books) -> Iterator[Asked]:
    """Yield each subscription, likewise."""
    assert schema.subscription_type
    yield from _operations(schema, "subscription", schema.subscription_type.fields, books)


def mutations(schema: GraphQLSchema, books: Books) -> Iterator[Asked]:
    """Yield each mutation with its whole payload, and with inputs that name what belongs to each customer."""
    assert schema.mutation_type
    yield from _operations(schema, "mutation", schema.mutation_type.fields, books)


def _operations(
    schema: GraphQLSchema, kind: str, fields: Mapping[str, GraphQLField], books: Books
) -> Iterator[Asked]:
    for name, field in fields.items():
        selected = _selection(schema, get_named_type(field.type), 1)
        head = ", ".join(f"${each}: {argument.type}" for each, argument in field.args.items())
        given = ", ".join(f"{each}: ${each}" for each in field.args)
        text = f"{kind} Everything({head}) {{ {name}({given}) {selected} }}"
        if not field.args:
            text = f"{kind} Everything {{ {name} {selected} }}"
        for variables in _arguments(field, name, books):
            yield Asked(name, text, variables)


def _selection(schema: GraphQLSchema, kind: Any, depth: int, linked: bool = False) -> str:
    """Return a selection of every field of a type, without those that need another page below the deepest.

    An object that is `linked` by the object around it, or is read by any id, gets no links of its own, which
    go round in circles and would cost too much.
    """
    if is_leaf_type(kind):
        return ""
    if is_abstract_type(kind):
        possible = schema.get_possible_types(kind)
        parts = [f"... on {each.name} {_selection(schema, each, depth, True)}" for each in possible]
        return f"{{ __typename {' '.join(parts)} }}"
    parts = ["__typename"]
    for number, (name, field) in enumerate(kind.fields.items()):
        inner = get_named_type(field.type)
        if not is_leaf_type(inner) and depth >= DEEPEST:
            continue
        link = depth > 1 and _is_link(field)
        if link and linked:
            continue
        paged = f"(first: {PAGE})" if "first" in field.args else ""
        # Types of one union may have fields of one name and different types.
        within = _selection(schema, inner, depth + 1, link or linked)
        parts.append(f"{kind.name}_{number}: {name}{paged} {within}")
    return f"{{ {' '.join(parts)} }}"


def _is_link(field: GraphQLField) -> bool:
    """Return whether a field leads from one document to others."""
    declared = field.extensions.get("strawberry-definition")
    return bool(declared and declared.is_async) and not is_leaf_type(get_named_type(field.type))


def _arguments(field: GraphQLField, name: str, books: Books) -> Iterator[dict[str, Any]]:
    """Yield sets of variables that use every value of every argument at least once."""
    values = {
        each: list(_values(argument.type, f"{name}.{each}", books)) for each, argument in field.args.items()
    }
    for chosen in zip_longest(*values.values(), fillvalue=_NONE):
        variables = {
            each: (values[each][0] if value is _NONE else value)
            for each, value in zip(values, chosen, strict=True)
        }
        kept = {each: value for each, value in variables.items() if value is not _LEFT_OUT}
        for other in _OTHER_WAY.keys() & kept:  # A page is counted from one end, and begins at one cursor.
            yield {each: value for each, value in kept.items() if each not in _OTHER_WAY[other]}
        if not _OTHER_WAY.keys() & kept:
            yield kept
    if not values:
        yield {}


_OTHER_WAY = {
    "first": ("last", "before"),
    "last": ("first", "after"),
    "id": ("sku", "email"),  # An object is looked up by one of its keys.
    "sku": ("id",),
    "email": ("id",),
}

_NONE, _LEFT_OUT = object(), object()


def _values(kind: Any, asked: str, books: Books) -> Iterator[Any]:
    """Yield values for an argument or a field of an input; the first one leaves it out if it may be."""
    if not isinstance(kind, GraphQLNonNull):
        yield _LEFT_OUT
    kind = get_nullable_type(kind)
    if isinstance(kind, GraphQLList):
        several = [each for each in _values(kind.of_type, asked, books) if each is not _LEFT_OUT]
        if isinstance(get_nullable_type(kind.of_type), GraphQLInputObjectType):
            yield from ([each] for each in several)
        else:
            yield several[:100]
    elif isinstance(kind, GraphQLEnumType):
        yield from kind.values
    elif isinstance(kind, GraphQLInputObjectType):
        yield from _inputs(kind, asked, books)
    else:
        yield from _scalars(kind.name, asked, books)


def _inputs(kind: GraphQLInputObjectType, asked: str, books: Books) -> Iterator[dict[str, Any]]:
    """Yield objects with each value of each field, and little else, so that they match much."""
    fields = {
        name: list(_values(field.type, f"{kind.name}.{name}", books)) for name, field in kind.fields.items()
    }
    if kind.is_one_of:
        for name in sorted(fields.keys() - FINAL):
            yield from ({name: value} for value in fields[name] if value is not _LEFT_OUT)
        return
    least = {name: fields[name][0] for name, field in kind.fields.items() if is_required_input_field(field)}
    yield least
    for name, values in fields.items():
        for value in values:
            if value is not _LEFT_OUT:
                yield {**least, name: value}
    for name in least.keys() & {
        "customerId",
        "orderId",
    }:  # The same about what belongs to the other customer.
        for other, values in fields.items():
            if other != name:
                yield {**least, name: fields[name][-1], other: values[-1]}


def _scalars(name: str, asked: str, books: Books) -> Iterator[Any]:
    field, _, argument = asked.rpartition(".")
    own = [books.of[each] for each in CUSTOMERS]
    match name, argument:
        case "ID", "productId":
            yield from books.products
        case "ID", "customerId":
            yield from (each.customer for each in own)
        case "ID", "orderId":
            yield from (order for each in own for order in each.orders)
        case "ID", _:
            wanted = {"product": "products", "productUpdated": "products", "customer": "customers"}
            if wanted.get(field) == "products":
                yield from books.products
            elif wanted.get(field) == "customers":
                yield from (each.customer for each in own)
            elif field in ("order", "orderUpdated"):
                yield from (order for each in own for order in each.orders)
            else:
                yield from (id for each in own for id in each.ids)
                yield from books.products
        case "ConsistencyToken", _:
            yield from (token for each in own for token in each.tokens)
        case "String", "after" | "before":
            yield from (cursor for each in own for cursor in each.cursors)
        case "String", "search":
            yield from (word for each in own for word in each.words)
        case "String", "email":
            yield from (each.words[1] for each in own)
        case "String", "actor":
            yield from (each.words[-1] for each in own)
        case "String", "stream":
            yield from (f"customer-{each.keys[0]}" for each in own)
            yield from (f"order-{key}" for each in own for key in each.keys[1:])
        case "String", "currencyCode":
            yield "USD"
        case "String", "type":
            yield "OrderPlaced"
        case "String", _:
            yield "Tea"
        case "UUID", _:
            yield from (command for each in own for command in each.commands)
        case "Int", "quantity" | "expectedVersion":
            yield 1
        case "Int", _:
            yield PAGE
        case "Boolean", _:
            yield from (True, False)
        case "Decimal", _:
            yield "0"
        case "DateTime", _:
            yield "2020-01-01T00:00:00.000Z"
        case "Date", _:
            yield "2020-01-01"
        case "Position", _:
            yield "1"
        case _:
            raise ValueError(f"no values are known of the scalar {name}: add some here")
