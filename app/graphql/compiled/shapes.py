"""The Python source of the functions that turn documents into an answer."""

from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    default_type_resolver,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.pyutils import is_awaitable

from app.graphql.admission.turns import FEW_ITEMS, in_slice, pausing, turns
from app.graphql.compiled.leaves import KNOWN, Leaf, UnexpectedValue, leaf, refuse
from app.graphql.compiled.parents import FieldInfo, FieldPath, Stored, value_source
from app.graphql.execution.visibility import VisibleFields

Shape = Callable[[Any, Any], Any]
"""A function from a value and the context to a result; it raises an exception if the value does not match."""

Collect = Callable[[GraphQLObjectType, FieldDetailsList], GroupedFieldSet]
"""A function that returns the fields that are selected on an object type."""


COMPILED_AT_ONCE = 15_000
"""Characters of source, which Python compiles in about 5 ms."""


class Impure(Exception):
    """A field needs more than the document, such as another read, or the viewer may not ask for it."""


class Leaves:
    """The serializations of the schema's leaf types."""

    def __init__(self) -> None:
        self._leaves: dict[str, Leaf] = {}

    def __getitem__(self, kind: GraphQLLeafType) -> Leaf:
        if kind.name not in self._leaves:
            self._leaves[kind.name] = leaf(kind)
        return self._leaves[kind.name]


class Shapes:
    """The functions of one plan, first written one by one and then compiled.

    Each function takes a value `d` and the context `c`; the objects that it uses have names in `_known`.
    Equal functions are written once, because an operation may select the same under hundreds of aliases.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        read: Callable[[Any, str], Any],
        leaves: Leaves,
        collect: Collect,
        visible: VisibleFields,
    ) -> None:
        self._schema = schema
        self._visible = visible
        self._leaves = leaves
        self._collect = collect
        self._known: dict[str, Any] = {
            **KNOWN,
            "FieldInfo": FieldInfo,
            "UnexpectedValue": UnexpectedValue,
            "items": _items,
            "readable": _readable(read),
        }
        self._names: dict[tuple[str, int], str] = {}
        self._paths: dict[str, FieldPath] = {}
        self._types: dict[str, Callable[[Any], Any]] = {}
        self._composites: dict[tuple[str, int], str] = {}
        self._written: dict[str, str] = {}
        self._source: list[str] = []

    @property
    def size(self) -> int:
        """The number of characters of source."""
        return sum(map(len, self._source))

    def of_field(self, parent: GraphQLObjectType, field: GraphQLField, details: FieldDetailsList) -> str:
        """Return the name of the function from a parent to the result of its field; raise `Impure`."""
        value = self._read(parent, field, "d")
        shown = self._value(field.type, details, value)
        reading = "    g = readable(d)\n" if value.startswith("g") else ""
        return self._function("f", f"{reading}    return {shown}\n")

    def of_value(self, kind: GraphQLOutputType, details: FieldDetailsList) -> str:
        """Return the name of the function that completes a value of this type; raise `Impure`."""
        return self._function("f", f"    return {self._value(kind, details, 'd')}\n")

    async def compiled(self) -> dict[str, Shape]:
        """Compile all functions and return them by their names, in their global namespace.

        Yield to other tasks in between.
        """
        for number, source in enumerate(_parts(self._source)):  # A function uses only earlier functions.
            if number:
                await turns.take()
            exec(compile(source, "<compiled operation>", "exec"), self._known)  # noqa: S102 - our own source
        return self._known

    def _know(self, prefix: str, thing: Any) -> str:
        key = prefix, id(thing)
        if (name := self._names.get(key)) is None:
            name = self._names[key] = f"{prefix}{len(self._names)}"
            self._known[name] = thing
        return name

    def _function(self, prefix: str, body: str) -> str:
        return self._write(prefix, "def {name}(d, c):\n" + body)

    def _write(self, prefix: str, source: str) -> str:
        """Add source that defines `{name}`, and return its name; equal source gets the same name."""
        if (name := self._written.get(source)) is None:
            name = self._written[source] = f"{prefix}_{len(self._written)}"
            self._source.append(source.replace("{name}", name, 1))
        return name

    def _read(self, parent: GraphQLObjectType, field: GraphQLField, source: str) -> str:
        """Return source for the field's value in its parent; raise `Impure`."""
        if field not in self._visible:
            raise Impure
        match value_source(field):
            case None:
                raise Impure
            case Stored(key):
                return f"g[{key!r}]"
            case derived:
                arguments = [source if derived.parent is None else f"{derived.parent}={source}"]
                if derived.info:
                    if parent.name not in self._paths:
                        self._paths[parent.name] = FieldPath(parent.name)
                    arguments.append(
                        f"{derived.info}=FieldInfo(c, {self._know('p', self._paths[parent.name])})"
                    )
                return f"{self._know('r', derived.function)}({', '.join(arguments)})"

    def _value(self, kind: GraphQLOutputType, details: FieldDetailsList, value: str) -> str:
        """Return source for the result of a value; `value` is source that is evaluated once."""
        if isinstance(kind, GraphQLNonNull):
            return self._present(kind.of_type, details, value)
        if value.isidentifier():
            return f"None if {value} is None else {self._present(kind, details, value)}"
        return f"None if (v := {value}) is None else {self._present(kind, details, 'v')}"

    def _present(self, kind: GraphQLOutputType, details: FieldDetailsList, value: str) -> str:
        if isinstance(kind, GraphQLList):
            item = f"x{value[1:]}x" if value.startswith("x") else "x"
            shown = self._value(kind.of_type, details, item)
            return f"[{shown} for {item} in items({value})]"
        if is_leaf_type(kind):
            return self._leaf(kind, value)
        return f"{self._composite(kind, details)}({value}, c)"

    def _leaf(self, kind: GraphQLLeafType, value: str) -> str:
        leaf = self._leaves[kind]
        complete = self._know("l", leaf.complete)
        if leaf.usual is None:
            return f"{complete}({value})"
        v = value if value.isidentifier() else "v"
        usual, shown = leaf.usual.format(v=v), leaf.shown.format(v=v)
        if v != value:
            usual = usual.replace("v", f"(v := {value})", 1)
        return f"({shown} if {usual} else {complete}({v}))"

    def _composite(self, kind: Any, details: FieldDetailsList) -> str:
        """Return the name of the function for an object type or an abstract type."""
        key = kind.name, id(details)
        if key not in self._composites:
            self._composites[key] = (
                self._abstract(kind, details) if is_abstract_type(kind) else self._object(kind, details)
            )
        return self._composites[key]

    def _abstract(self, kind: Any, details: FieldDetailsList) -> str:
        shapes = {each.name: self._composite(each, details) for each in self._schema.get_possible_types(kind)}
        if kind.name not in self._types:
            self._types[kind.name] = _type_of(kind, self._schema)
        cases = ", ".join(f"{each!r}: {shape}" for each, shape in shapes.items())
        cases = self._write("m", f"{{name}} = {{{cases}}}\n")
        type_of = self._know("k", self._types[kind.name])
        return self._function("a", f"    return {cases}[{type_of}(d)](d, c)\n")

    def _object(self, kind: Any, details: FieldDetailsList) -> str:
        assert is_object_type(kind)
        entries = []
        for key, selected in self._collect(kind, details).items():
            field_name = selected[0].node.name.value
            if field_name == "__typename":
                entries.append(f"{key!r}: {kind.name!r}")
            else:
                field = kind.fields[field_name]
                entries.append(f"{key!r}: {self._value(field.type, selected, self._read(kind, field, 'd'))}")
        checks = ""
        if kind.is_type_of:
            checks = (
                f"    if not {self._know('t', kind.is_type_of)}(d, None):\n        raise UnexpectedValue\n"
            )
        shown = "".join(f"        {entry},\n" for entry in entries)
        return self._function(
            "o", f"    g = d if d.__class__ is dict else readable(d)\n{checks}    return {{\n{shown}    }}\n"
        )


def _parts(sources: Iterable[str]) -> Iterator[str]:
    """Yield the sources joined into parts of about `COMPILED_AT_ONCE` characters."""
    part, length = list[str](), 0
    for source in sources:
        part.append(source)
        length += len(source)
        if length > COMPILED_AT_ONCE:
            yield "\n".join(part)
            part, length = [], 0
    if part:
        yield "\n".join(part)


def _type_of(kind: Any, schema: GraphQLSchema) -> Callable[[Any], Any]:
    """Return a function that returns the name of a value's type."""
    resolve = kind.resolve_type or default_type_resolver
    info: Any = SimpleNamespace(schema=schema, field_name=kind.name, is_awaitable=is_awaitable)
    return lambda value: resolve(value, info, kind)


def _items(value: Any) -> Any:
    if value.__class__ is list or value.__class__ is tuple:
        return pausing(value) if len(value) > FEW_ITEMS and in_slice() else value
    raise UnexpectedValue


class _Readable:
    """A parent that is no document, read by keys as fields without a resolver are."""

    __slots__ = ("_read", "_source")

    def __init__(self, source: Any, read: Callable[[Any, str], Any]) -> None:
        self._source = source
        self._read = read

    def __getitem__(self, name: str) -> Any:
        return self._read(self._source, name)


def _readable(read: Callable[[Any, str], Any]) -> Callable[[Any], Any]:
    """Return the function that makes a parent readable by keys."""

    def readable(source: Any) -> Any:
        if source.__class__ is dict:
            return source
        refuse(source)
        return _Readable(source, read)

    return readable
