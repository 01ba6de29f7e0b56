"""The form in which documents are cached, and facts about their texts.

Each object of a cached document would lengthen every full garbage collection, during which no request is
answered. graphql-core makes three objects per token: the token, a node, and a location that refers to tokens.
Validation locates its errors at any node, but execution only at some, and the limits need few figures. The
nodes that remain never change and refer to no parent, so garbage collections can leave them out.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import fields
from functools import cache
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    IntValueNode,
    ListValueNode,
    Location,
    NameNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    Source,
    Token,
    TokenKind,
    VariableDefinitionNode,
    VariableNode,
)

from app.cqrs.memory.untracking import untrack
from app.graphql.admission.turns import pause

_LOCATED = frozenset(
    {
        DirectiveNode,
        FieldNode,
        FragmentDefinitionNode,
        ListValueNode,
        ObjectValueNode,
        OperationDefinitionNode,
        VariableDefinitionNode,
        VariableNode,
    }
)
"""The nodes at which an error can be located after validation; it refuses a wrong literal."""

_LEAVES = frozenset({BooleanValueNode, EnumValueNode, FloatValueNode, IntValueNode, NameNode})
"""The nodes that have a value only, and are therefore one node if they are equal."""


class Place(Location):
    """The location of a node of a cached document, without the tokens."""

    __slots__ = ()

    def __init__(self, start: int, end: int, source: Source) -> None:
        self.start, self.end, self.source = start, end, source
        untrack(self)


class TextLocation(Place):
    """The location of a document, with what is known of the tokens of its text."""

    __slots__ = ("complete", "longest_number", "objects", "tokens", "variables")

    def __init__(self, document: DocumentNode) -> None:
        """Read the tokens, and remove the references from each token to the previous one.

        Without reference cycles a document is freed as soon as it is dropped, and garbage collections can
        leave the tokens out. Otherwise it would stay in memory, with up to 3 MB, until the next full one.
        """
        assert document.loc is not None
        super().__init__(document.loc.start, document.loc.end, document.loc.source)
        self.complete = True
        """True if all nodes of the document have locations."""
        self.objects = 0
        """The number of objects of a compact document."""
        self.tokens = self.longest_number = 0
        """The number of tokens, comments included, and the characters of the longest number."""
        variables = []
        for token in _tokens_of(document.loc):
            pause()
            token.prev = None
            untrack(token)
            self.tokens += 1
            if token.kind in (TokenKind.INT, TokenKind.FLOAT):
                self.longest_number = max(self.longest_number, token.end - token.start)
            elif token.kind is TokenKind.DOLLAR and token.next and token.next.value:
                variables.append(token.next.value)
        self.variables = tuple(variables)
        """The variables in the order of the text, each as often as it is mentioned."""

    def of_compact(self, objects: int) -> "TextLocation":
        """Return the location of the compact document, which has so many objects."""
        location = copy(self)
        location.complete, location.objects = False, objects
        return location


def _tokens_of(location: Location) -> Iterator[Token]:
    token: Token | None = location.start_token
    while token:
        yield token
        token = token.next


def known_of(document: DocumentNode) -> TextLocation:
    """Return what is known of the tokens of a document, which has locations."""
    return document.loc if isinstance(document.loc, TextLocation) else TextLocation(document)


def with_known(document: DocumentNode) -> DocumentNode:
    """Return a parsed document with what is known of its tokens, which `known_of` gives."""
    return DocumentNode(definitions=document.definitions, loc=TextLocation(document))


def compact_document(document: DocumentNode) -> DocumentNode:
    """Return the document with fewer objects: without tokens, and with the locations that execution needs.

    Equal names are one node, and garbage collections leave the nodes out. A document that is compact already
    is returned as it is. It takes long for a large document, and may run in slices.
    """
    known = known_of(document)
    if not known.complete:
        return document
    compaction = _Compaction()
    definitions = tuple([compaction.of(node) for node in document.definitions])
    return DocumentNode(definitions=definitions, loc=known.of_compact(compaction.objects))


class _Compaction:
    """The compaction of one document, with the number of objects that the compact one has."""

    def __init__(self) -> None:
        self.objects = 0
        self._leaves: dict[tuple[Any, Any], Any] = {}

    def of(self, node: Any) -> Any:
        """Return the compact form of a node."""
        pause()
        kind: Any = type(node)
        if kind in _LEAVES:
            key = kind, node.value
            if (leaf := self._leaves.get(key)) is None:
                self.objects += 1
                leaf = self._leaves[key] = kind(value=node.value)
                untrack(leaf)
            return leaf
        values = {}
        for name in _parts_of(kind):
            value = getattr(node, name)
            if value.__class__ is tuple:
                if value:
                    self.objects += 1
                    value = tuple([self.of(each) for each in value])
                    untrack(value)
            elif isinstance(value, Node):
                value = self.of(value)
            values[name] = value
        self.objects += 1
        if kind in _LOCATED and node.loc:
            self.objects += 1
            values["loc"] = Place(node.loc.start, node.loc.end, node.loc.source)
        compact = kind(**values)
        untrack(compact)
        return compact


@cache
def _parts_of(kind: type[Node]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name != "loc")
