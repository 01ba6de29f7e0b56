"""The cache of parsed and validated documents, bounded in bytes."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from sys import getsizeof

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    OverlappingFieldsCanBeMergedRule,
    Token,
    VariablesInAllowedPositionRule,
    parse,
)
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.schema import validate_document

from app.cqrs.bounded_cache import BoundedCache
from app.graphql.admission.formula import Formula
from app.graphql.admission.turns import turns

MOST_BYTES = 4_000_000
"""Bytes of all cached documents; one of some hundred characters takes 20,000."""

PER_TOKEN = 700
"""Bytes of a token with the nodes made of it; 360 to 620 were measured."""

PER_DOCUMENT = 5_000
"""Bytes of a document besides its tokens and its text."""

PER_ERROR = 2_000
"""Bytes of a validation error besides its message."""

FORMULA_SHARE = 8
"""The formula of an operation's cost takes at most this part of the document's bytes; a 25th was measured."""

LARGE = 100_000
"""Bytes of a document above which the garbage of its validation is collected at once, which takes a while."""

IN_STEPS = 500_000
"""Bytes of a document above which it is validated in several steps: some 700 tokens, which take 10 ms."""

Rules = tuple[type[ASTValidationRule], ...]

_OF_VARIABLES = {NoUndefinedVariablesRule, NoUnusedVariablesRule, VariablesInAllowedPositionRule}
"""The rules that collect an operation's variables, through all fragments; together they collect them once."""


def bytes_of_document(document: DocumentNode) -> int:
    """Return the estimated bytes of a parsed document with its text; comments are tokens, too."""
    if document.loc is None:
        return 0
    tokens = sum(1 for _ in _tokens_of(document))
    return PER_DOCUMENT + PER_TOKEN * tokens + 2 * getsizeof(document.loc.source.body)


def _tokens_of(document: DocumentNode) -> Iterator[Token]:
    token = document.loc.start_token if document.loc else None
    while token:
        yield token
        token = token.next


def _without_cycles(document: DocumentNode) -> DocumentNode:
    """Remove the references from a document's tokens to the previous token, and return the document.

    Without reference cycles it is freed as soon as it is dropped. Otherwise it would stay in memory, with up
    to 3 MB, until the next collection of the oldest generation, which is rare.
    """
    for token in _tokens_of(document):
        token.prev = None
    return document


def _validated(schema: GraphQLSchema, document: DocumentNode, rules: Rules) -> list[GraphQLError]:
    """Return the errors of a document, and leave no garbage behind.

    graphql-core's visitors refer to themselves and to the document. The garbage collector must not run while
    they are in use, or it would move them to an older generation.
    """
    if bytes_of_document(document) < LARGE or not gc.isenabled():
        return validate_document(schema, document, rules)
    gc.disable()
    try:
        faults = validate_document(schema, document, rules)
        for fault in faults:
            fault.__traceback__ = None  # The frames of the error that aborts refer to all visitors.
        return faults
    finally:
        gc.collect(1)  # Up to the middle generation, which would otherwise gather ten documents.
        gc.enable()  # Not earlier: so many new objects could start a full collection.


async def _validated_in_steps(
    schema: GraphQLSchema, document: DocumentNode, rules: Rules
) -> list[GraphQLError]:
    """Return the errors of a document in the order of the text; yield to other tasks between the steps."""
    steps = [rules] if bytes_of_document(document) < IN_STEPS else _steps(rules)
    faults: list[GraphQLError] = []
    for step in steps:
        await turns.take_for(document.loc.source.body if document.loc else "")
        faults += _validated(schema, document, step)
        if any(isinstance(fault, ValidationAbortedError) for fault in faults):
            return faults
    return faults if len(steps) == 1 else sorted(faults, key=_place)


def _steps(rules: Rules) -> list[Rules]:
    """Return the rules in up to three parts that take about equally long.

    More parts would not pay: for each of them the whole document is visited again.
    """
    merging = tuple(rule for rule in rules if rule is OverlappingFieldsCanBeMergedRule)
    of_variables = tuple(rule for rule in rules if rule in _OF_VARIABLES)
    others = tuple(rule for rule in rules if rule not in {*merging, *of_variables})
    return [step for step in (others, of_variables, merging) if step]


def _place(fault: GraphQLError) -> int:
    return next(iter(fault.positions or [0]))


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

    def parse(self, text: str, *, max_tokens: int) -> DocumentNode:
        """Return the document of a text; raise `GraphQLError` on a syntax error or too many tokens."""
        if known := self.kept.get(text):
            return known.document
        document = _without_cycles(parse(text, max_tokens=max_tokens))
        parsed = _Text(document, bytes_of_document(document))
        self.kept.put(text, parsed, parsed.bytes)
        return document

    async def validate(
        self, schema: GraphQLSchema, document: DocumentNode, rules: Rules
    ) -> list[GraphQLError]:
        """Return the errors of a document, cached with it."""
        known = self._known(document)
        if known is None:
            return await _validated_in_steps(schema, document, rules)
        if (faults := known.faults.get((schema, rules))) is None:
            faults = await _validated_in_steps(schema, document, rules)
            if (meanwhile := known.faults.setdefault((schema, rules), faults)) is not faults:
                return meanwhile
            known.bytes += sum(PER_ERROR + getsizeof(fault.message) for fault in faults)
            self._weigh(known)
        return faults

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
        known = self.kept.get(document.loc.source.body if document.loc else "")
        return known if known and known.document is document else None

    def _weigh(self, known: _Text) -> None:
        if (text := self._known(known.document)) is known and known.document.loc:
            self.kept.weigh(known.document.loc.source.body, text.bytes)


documents = Documents()
"""The cache of the process, for all transports."""
