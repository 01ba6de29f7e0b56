"""The cache of parsed and validated documents, bounded in bytes."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from sys import getsizeof

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    Source,
    parse,
)
from graphql.validation.validate import ValidationAbortedError

from app.cqrs.memory.bounded_cache import BoundedCache
from app.graphql.admission.compact_documents import compact_document, known_of, with_known
from app.graphql.admission.formula import Formula
from app.graphql.admission.turns import LONG_TEXT, in_slices, pause, turns
from app.graphql.admission.validation import Rules, errors_in_slices, errors_of

MOST_BYTES = 3_000_000
"""Bytes of all cached documents; one of some hundred characters takes 10,000."""

PER_OBJECT = 160
"""Bytes of an object of a compact document; 104 to 164 were measured."""

PER_REFERENCE = 8
"""Bytes of a reference to such an object, at most one for each token."""

PER_TOKEN = 700
"""Bytes of a token of a complete document, with the nodes made of it; 360 to 620 were measured."""

PER_DOCUMENT = 5_000
"""Bytes of a document besides its tokens and its text."""

PER_ERROR = 2_000
"""Bytes of a validation error besides its message."""

FORMULA_SHARE = 8
"""The formula of an operation's cost takes at most this part of the document's bytes; a 25th was measured."""

LARGE = 140
"""Tokens of a document above which it is validated in slices. Fewer take about 2 ms."""

INVALID = "GRAPHQL_VALIDATION_FAILED"
"""The code of errors that validation finds."""


def bytes_of_document(document: DocumentNode) -> int:
    """Return the estimated bytes of a parsed document with its text; comments are tokens, too."""
    known = known_of(document)
    of_tokens = PER_TOKEN * known.tokens
    if not known.complete:
        of_tokens = PER_OBJECT * known.objects + PER_REFERENCE * known.tokens
    return PER_DOCUMENT + of_tokens + 2 * getsizeof(known.source.body)


class _PausingSource(Source):
    """A text at which the lexer pauses before each token if the parser has taken long enough."""

    @property
    def body(self) -> str:
        pause()
        return self._body

    @body.setter
    def body(self, body: str) -> None:
        self._body = body


_one_at_a_time = asyncio.Lock()
"""Held while a long text is parsed, or a large document is validated.

Whoever has waited for it looks first whether another has done the same work meanwhile: after a release of a
frontend many clients send the same new text at once.
"""


async def _parsed(text: str, max_tokens: int | None = None) -> DocumentNode:
    """Parse a text; if it is long, yield to other tasks meanwhile."""
    if len(text) <= LONG_TEXT:
        return with_known(parse(text, max_tokens=max_tokens))
    return await in_slices(lambda: with_known(parse(_PausingSource(text), max_tokens=max_tokens)))


async def _compact(document: DocumentNode) -> DocumentNode:
    return await in_slices(partial(compact_document, document)) if known_of(document).complete else document


def _is_large(document: DocumentNode) -> bool:
    """Return whether validation takes long enough for others to want their turn meanwhile."""
    known = known_of(document)
    return known.tokens >= LARGE or (not known.complete and len(known.source.body) > LONG_TEXT)


async def _validated(schema: GraphQLSchema, document: DocumentNode, rules: Rules) -> list[GraphQLError]:
    """Return the errors of a document in the order of the text."""
    known = known_of(document)
    if not known.complete:
        await turns.take_for(known.source.body)
        document = await _parsed(known.source.body)
    if known.tokens < LARGE:
        return list(map(_without_nodes, errors_of(schema, document, rules)))
    await turns.take_for(known.source.body)
    faults = await errors_in_slices(schema, document, rules)
    return list(map(_without_nodes, faults))


def _without_nodes(fault: GraphQLError) -> GraphQLError:
    """Return the error with a code and its locations, and without the nodes.

    These refer to the complete document.
    """
    if isinstance(fault, ValidationAbortedError):
        return fault.with_traceback(None)
    original = fault.original_error
    if isinstance(original, GraphQLError):
        original = None  # It has the nodes, too, and nothing else that the error itself has not.
    return GraphQLError(
        fault.message,
        source=fault.source,
        positions=fault.positions,
        original_error=original and original.with_traceback(None),
        extensions={"code": INVALID, **(fault.extensions or {})},
    )


@dataclass(slots=True)
class _Text:
    document: DocumentNode
    bytes: int
    faults: dict[tuple[GraphQLSchema, Rules], list[GraphQLError]] = field(default_factory=dict)
    formulas: dict[tuple[GraphQLSchema, Rules, str | None], Formula] = field(default_factory=dict)
    """By the name of the operation: the formulas of the costs of operations that were admitted."""


class Documents:
    """A parser and validator with a cache of at most `most_bytes`."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.kept: BoundedCache[str, _Text] = BoundedCache(most_bytes)

    async def parse(self, text: str, *, max_tokens: int) -> DocumentNode:
        """Return the document of a text; raise `GraphQLError` on a syntax error or too many tokens.

        The document of a new text is complete; later it is compact. A long text yields to other tasks.
        """
        if known := self.kept.get(text):
            return await self._compacted(known)
        if len(text) <= LONG_TEXT:
            return self._added(text, await _parsed(text, max_tokens))
        async with _one_at_a_time:
            if known := self.kept.get(text):
                return known.document
            return self._added(text, await _parsed(text, max_tokens))

    def _added(self, text: str, document: DocumentNode) -> DocumentNode:
        parsed = _Text(document, bytes_of_document(document))
        self.kept.put(text, parsed, parsed.bytes)
        return document

    async def validate(
        self, schema: GraphQLSchema, document: DocumentNode, rules: Rules
    ) -> list[GraphQLError]:
        """Return the errors of a document, cached with it."""
        known = self._known(document)
        if known and (faults := known.faults.get((schema, rules))) is not None:
            return faults
        if _is_large(document):
            async with _one_at_a_time:
                if known and (faults := known.faults.get((schema, rules))) is not None:
                    return faults
                return await self._validate_new(known, schema, document, rules)
        return await self._validate_new(known, schema, document, rules)

    async def _validate_new(
        self, known: _Text | None, schema: GraphQLSchema, document: DocumentNode, rules: Rules
    ) -> list[GraphQLError]:
        faults = await _validated(schema, document, rules)
        if known is None:
            return faults
        known.faults[schema, rules] = faults
        known.bytes += sum(PER_ERROR + getsizeof(fault.message) for fault in faults)
        self._weigh(known)
        await turns.take_for(known_of(document).source.body)
        await self._compacted(known)
        return faults

    async def compact(self, document: DocumentNode) -> DocumentNode:
        """Return the compact form of a document: the cached one, if the text is cached.

        A large document yields to other tasks.
        """
        known = self._known(document)
        return await _compact(document) if known is None else await self._compacted(known)

    async def _compacted(self, known: _Text) -> DocumentNode:
        before = known.document
        compact = await _compact(before)
        if known.document is before is not compact:  # No other task has done the same meanwhile.
            known.document = compact
            known.bytes += bytes_of_document(compact) - bytes_of_document(before)
            self._weigh(known)
        return known.document

    def formula(
        self, schema: GraphQLSchema, document: DocumentNode, rules: Rules, operation_name: str | None
    ) -> Formula | None:
        """Return the formula of the operation's cost if the document was admitted with these rules before."""
        known = self._known(document)
        return known.formulas.get((schema, rules, operation_name)) if known else None

    def admit(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        rules: Rules,
        operation_name: str | None,
        formula: Formula,
    ) -> None:
        """Cache the formula of an operation that keeps to all limits besides that of its cost."""
        if known := self._known(document):
            known.formulas[schema, rules, operation_name] = formula
            known.bytes += bytes_of_document(document) // FORMULA_SHARE
            self._weigh(known)

    def _known(self, document: DocumentNode) -> _Text | None:
        return self.kept.get(known_of(document).source.body)

    def _weigh(self, known: _Text) -> None:
        if self._known(known.document) is known:
            self.kept.weigh(known_of(known.document).source.body, known.bytes)


documents = Documents()
"""The cache of the process, for all transports."""
