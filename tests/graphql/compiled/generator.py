"""Operations drawn from the schema: most are valid, and find something."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from tests.graphql.compiled.shop import Known

DEEPEST = 6
MOST_LINKS = 3
"""Fields of an operation that lead from one document to others: with more of them, most cost too much."""
WRONG: Sequence[Any] = (
    True,
    7,
    -1,
    2**40,
    1.5,
    "",
    "wrong",
    [],
    ["wrong"],
    [None],
    {},
    {"field": "NAME"},
    None,
)
"""Values that hardly any variable may have."""
LEFT_OUT = ("retired", "serviceStatus")
"""Queries that are deprecated, or whose answer is never the same twice: the status has the uptime."""


@dataclass(frozen=True)
class Operation:
    """What a client sends, with several sets of variables in turn."""

    text: str
    name: str | None
    variables: Sequence[Mapping[str, Any]]
    token: str | None = None
    """In the header."""


@dataclass
class _Draft:
    """The variables and fragments of an operation that is being written."""

    variables: dict[str, tuple[str, GraphQLInputType, str]] = field(default_factory=dict)
    """By name: the type as it is written, the type, and what is asked for, by which values are chosen."""
    defaults: dict[str, str] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0
    links: int = 0


class Generator:
    """The same seed draws the same operations."""

    def __init__(self, schema: GraphQLSchema, known: Known, seed: int) -> None:
        self._schema = schema
        self._known = known
        self._random = Random(seed)

    def operations(self, *, sets: int) -> Iterator[Operation]:
        """Without end, each with so many sets of variables."""
        while True:
            operation = self._operation(sets)
            yield self._spoilt(operation) if self._random.random() < 0.2 else operation

    def _operation(self, sets: int) -> Operation:
        draft, random = _Draft(), self._random
        query = self._schema.query_type
        assert query is not None
        names = [name for name in query.fields if name not in LEFT_OUT]
        chosen = random.sample(names, min(len(names), random.choice((1, 1, 1, 2, 3))))
        fields = [
            self._field(draft, query.fields[name], name, 0, alias=random.random() < 0.3) for name in chosen
        ]
        if random.random() < 0.1:
            fields.append("__typename")
        head = ", ".join(
            f"${name}: {written}{draft.defaults.get(name, '')}"
            for name, (written, _, _) in draft.variables.items()
        )
        text = f"query Asked{f'({head})' if head else ''} {{ {' '.join(fields)} }}"
        if not head and random.random() < 0.3:
            text = text.removeprefix("query Asked ")
        name = "Asked" if text.startswith("query") and random.random() < 0.3 else None
        if name and random.random() < 0.3:
            text = f"query Other {{ __typename }} {text}"
        text = "\n".join([text, *draft.fragments])
        token = random.choice(self._known.tokens) if random.random() < 0.2 else None
        return Operation(text, name, [self._values(draft) for _ in range(sets)], token)

    def _values(self, draft: _Draft) -> dict[str, Any]:
        values = {}
        for name, (written, kind, asked) in draft.variables.items():
            optional = not written.endswith("!") or name in draft.defaults
            if not (optional and self._random.random() < 0.2):
                values[name] = self._value(kind, asked)
                if values[name] is None and written.endswith("!"):
                    values[name] = self._value(_required(kind), asked)
        return values

    def _selection(self, draft: _Draft, kind: Any, depth: int) -> str:
        random, parts = self._random, []
        if is_abstract_type(kind):
            parts.append("__typename" if random.random() < 0.5 else "id")
            possible = self._schema.get_possible_types(kind)
            for each in random.sample(list(possible), random.randint(1, len(possible))):
                inner = self._fields(draft, each, depth, alias=True)
                parts.append(self._fragment(draft, each.name, inner))
            return " ".join(parts)
        fields = self._fields(draft, kind, depth, alias=False)
        if len(fields) > 2 and random.random() < 0.25:
            cut = random.randint(1, len(fields) - 1)
            on = random.choice([kind, *kind.interfaces]).name if kind.interfaces else kind.name
            moved = fields[cut:] if on == kind.name else ["id", "__typename"]
            fields = [*fields[:cut], self._fragment(draft, on, moved)]
        if random.random() < 0.1:
            fields += random.sample(fields, 1)
        return " ".join(fields)

    def _fields(self, draft: _Draft, kind: Any, depth: int, *, alias: bool) -> list[str]:
        random = self._random
        names = [
            name
            for name, each in kind.fields.items()
            if depth < DEEPEST or is_leaf_type(get_named_type(each.type))
        ]
        chosen = random.sample(names, random.randint(1, min(len(names), 12 if depth < 3 else 4)))
        for name in [each for each in chosen if _is_link(kind.fields[each])]:
            draft.links += 1
            if draft.links > MOST_LINKS:
                chosen.remove(name)
        fields = [
            self._field(draft, kind.fields[name], name, depth + 1, alias=alias or random.random() < 0.15)
            for name in chosen
        ]
        if not fields or random.random() < 0.15:
            fields.append("__typename")
        return fields

    def _fragment(self, draft: _Draft, on: str, fields: Sequence[str]) -> str:
        inner, directive = " ".join(fields), self._directive(draft)
        if self._random.random() < 0.5:
            return f"... on {on}{directive} {{ {inner} }}"
        name = f"Part{len(draft.fragments)}"
        draft.fragments.append(f"fragment {name} on {on} {{ {inner} }}")
        return f"...{name}{directive}"

    def _field(self, draft: _Draft, of: GraphQLField, name: str, depth: int, *, alias: bool) -> str:
        arguments = self._arguments(draft, of, name)
        if alias or arguments:  # so that fields of one name never conflict
            draft.aliases += 1
            name = f"{'a' if self._random.random() < 0.9 else '_'}{draft.aliases}: {name}"
        kind = get_named_type(of.type)
        inner = "" if is_leaf_type(kind) else f" {{ {self._selection(draft, kind, depth)} }}"
        return f"{name}{arguments}{self._directive(draft)}{inner}"

    def _directive(self, draft: _Draft) -> str:
        if self._random.random() > 0.06:
            return ""
        directive = self._random.choice(("skip", "include"))
        if self._random.random() < 0.4:
            return f" @{directive}(if: {self._random.choice(('true', 'false'))})"
        name = self._random.choice(("yes", "no"))
        draft.variables[name] = "Boolean!", self._schema.type_map["Boolean"], "if"  # type: ignore[assignment]
        return f" @{directive}(if: ${name})"

    def _arguments(self, draft: _Draft, of: GraphQLField, field_name: str) -> str:
        written = []
        keys = [name for name in ("id", "sku", "email") if name in of.args]
        key = self._random.choice(keys) if keys and self._random.random() < 0.9 else None
        for name, argument in of.args.items():
            if key and name in keys and name != key:
                continue  # An object is looked up by one of its keys.
            rare = name in ("before", "last", "atLeast", "after")
            if (
                name == key
                or is_required_argument(argument)
                or self._random.random() < (0.12 if rare else 0.35)
            ):
                asked = f"{field_name}.{name}"
                written.append(f"{name}: {self._argument(draft, argument, asked)}")
        return f"({', '.join(written)})" if written else ""

    def _argument(self, draft: _Draft, of: GraphQLArgument | GraphQLInputField, asked: str) -> str:
        if self._random.random() < 0.5:
            return self._variable(draft, of, asked)
        return self._literal(draft, of.type, self._value(of.type, asked), asked)

    def _variable(self, draft: _Draft, of: GraphQLArgument | GraphQLInputField, asked: str) -> str:
        name = f"v{len(draft.variables)}"
        kind, written = of.type, str(of.type)
        if not written.endswith("!") and self._random.random() < 0.3:
            kind, written = _required(kind), f"{written}!"
        if self._random.random() < 0.15:
            value = self._value(_required(kind), asked)
            draft.defaults[name] = f" = {self._literal(None, kind, value, asked)}"
        draft.variables[name] = written, kind, asked
        return f"${name}"

    def _literal(self, draft: _Draft | None, kind: GraphQLInputType, value: Any, asked: str) -> str:
        """The value as it is written in an operation; parts of it may become variables of the draft."""
        if value is None:
            return "null"
        if isinstance(kind, GraphQLNonNull):
            return self._literal(draft, kind.of_type, value, asked)
        if isinstance(kind, GraphQLList):
            if isinstance(value, list):
                return f"[{', '.join(self._literal(draft, kind.of_type, each, asked) for each in value)}]"
            return self._literal(draft, kind.of_type, value, asked)
        if isinstance(kind, GraphQLEnumType):
            return str(value)
        if isinstance(kind, GraphQLInputObjectType):
            parts = []
            for name, each in value.items():
                of = kind.fields[name]
                variable = draft is not None and self._random.random() < 0.2
                within = f"{kind.name}.{name}"
                parts.append(
                    f"{name}: {self._variable(draft, of, within)}"  # type: ignore[arg-type]
                    if variable
                    else f"{name}: {self._literal(draft, of.type, each, within)}"
                )
            return f"{{{', '.join(parts)}}}"
        return json.dumps(value)

    def _value(self, kind: GraphQLInputType, asked: str) -> Any:
        random = self._random
        if not isinstance(kind, GraphQLNonNull):
            return None if random.random() < 0.04 else self._value(GraphQLNonNull(kind), asked)
        inner = kind.of_type
        if isinstance(inner, GraphQLList):
            values = [self._value(inner.of_type, asked) for _ in range(random.choice((0, 1, 1, 2, 3)))]
            return (
                values[0] if len(values) == 1 and values[0] is not None and random.random() < 0.2 else values
            )
        if isinstance(inner, GraphQLEnumType):
            return random.choice(list(inner.values))
        if isinstance(inner, GraphQLInputObjectType):
            return {
                name: self._value(each.type, f"{inner.name}.{name}")
                for name, each in inner.fields.items()
                if is_required_input_field(each) or random.random() < 0.3
            }
        return self._scalar(inner.name, asked)

    def _scalar(self, name: str, asked: str) -> Any:
        random, argument = self._random, asked.rpartition(".")[2]
        match name:
            case "ID":
                wanted = {
                    "product": "Product",
                    "customer": "Customer",
                    "customerId": "Customer",
                    "productId": "Product",
                    "order": "Order",
                }
                of = wanted.get(asked.partition(".")[0]) or wanted.get(argument)
                if of is None or random.random() < 0.08:
                    of = random.choice(list(self._known.ids))
                return random.choice(self._known.ids[of]) if random.random() < 0.93 else "bm9wZQ"
            case "ConsistencyToken":
                return random.choice(self._known.tokens) if random.random() < 0.9 else "00"
            case "String" if argument in ("after", "before"):
                known = self._known.cursors.get(asked.partition(".")[0]) or ["none"]
                return random.choice(known) if random.random() < 0.9 else "bm9wZQ"
            case "String":
                return random.choice(self._known.texts.get(argument) or ["a"])
            case "UUID":
                return random.choice(self._known.texts["commandId"])
            case "Int":
                return (
                    random.choice((0, 1, 2, 3, 5, 20, 100))
                    if random.random() < 0.93
                    else random.choice((-1, 101))
                )
            case "Boolean":
                return random.random() < 0.5
            case "Decimal":
                return random.choice(("0", "4.90", "19.90", "1e2", 25, 3.5))
            case "DateTime":
                return random.choice(
                    ("2020-01-01T00:00:00.000Z", "2030-01-31T12:00:00.000+02:00", "2026-11-01T08:00:00.999Z")
                )
            case "Date":
                return random.choice(("2020-01-01", "2026-10-01", "2030-12-31"))
        raise ValueError(f"no values are known of the scalar {name}: add some here")

    def _spoilt(self, operation: Operation) -> Operation:
        """The same, with something wrong with it."""
        random, text = self._random, operation.text
        match random.randrange(7):
            case 0 | 1:
                return replace(
                    operation, variables=[self._spoilt_variables(each) for each in operation.variables]
                )
            case 2:
                return replace(operation, text=text.replace("{ ", "{ nothing ", 1))
            case 3:
                cut = random.randrange(len(text))
                return replace(operation, text=text[:cut] + text[cut + 1 :])
            case 4:
                return replace(operation, text=text.replace("$", "$x", 1))
            case 5:
                return replace(operation, name="Nobody")
            case _:
                return replace(operation, token="00")

    def _spoilt_variables(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        spoilt = dict(variables)
        if spoilt:
            name = self._random.choice(list(spoilt))
            if self._random.random() < 0.3:
                del spoilt[name]
            else:
                spoilt[name] = self._random.choice(WRONG)
        return spoilt


def _is_link(of: GraphQLField) -> bool:
    """Whether a field reads other documents than its parent."""
    declared = of.extensions.get("strawberry-definition")
    return bool(declared and declared.is_async) and not is_leaf_type(get_named_type(of.type))


def _required(kind: GraphQLInputType) -> GraphQLInputType:
    return kind if isinstance(kind, GraphQLNonNull) else GraphQLNonNull(kind)
