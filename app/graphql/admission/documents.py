"""Operations' texts, parsed and validated once, and kept within a number of bytes."""

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

from app.graphql.admission.kept import Kept
from app.graphql.admission.turns import turns

MOST_BYTES = 4_000_000
"""Of all texts that are kept; a text of some hundred characters takes 20,000."""

PER_TOKEN = 700
"""Bytes that a token takes, with the nodes that are made of it; measured are 360 to 620."""

PER_DOCUMENT = 5_000
"""Bytes that a document takes beside its tokens and its text."""

PER_ERROR = 2_000
"""Bytes that an error of validation takes beside its message."""

LARGE = 100_000
"""Bytes of a document from which on nothing may be left of its validation: it takes a millisecond or more."""

IN_STEPS = 500_000
"""Bytes of a document from which on it is validated in several steps: some 700 tokens, and 10 ms."""

Rules = tuple[type[ASTValidationRule], ...]

_OF_VARIABLES = {NoUndefinedVariablesRule, NoUnusedVariablesRule, VariablesInAllowedPositionRule}
"""These look for the variables of an operation once for all of them, and wherever fragments are spread."""


def bytes_of_document(document: DocumentNode) -> int:
    """Return the bytes that a parsed document takes with its text; comments are tokens, too."""
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
    """Return the document, whose tokens know the next one and no longer the one before.

    It is freed then as soon as it is dropped. Else it would stay, with up to 3 MB, until the garbage
    collector looks at all that has lived for long, which it does seldom.
    """
    for token in _tokens_of(document):
        token.prev = None
    return document


def _validated(schema: GraphQLSchema, document: DocumentNode, rules: Rules) -> list[GraphQLError]:
    """Return what is wrong with a document, and leave nothing else.

    The library's visitors refer to themselves and to the document. The garbage collector may not run before
    they are garbage, or it would take them for something that stays.
    """
    if bytes_of_document(document) < LARGE or not gc.isenabled():
        return validate_document(schema, document, rules)
    gc.disable()
    try:
        faults = validate_document(schema, document, rules)
        for fault in faults:
            fault.__traceback__ = None  # Of the one that ends it, whose frames have all that was made for it.
        return faults
    finally:
        gc.collect(1)  # The middle one, too: else it would have ten documents before it is looked at.
        gc.enable()  # Not before: with so many new objects a collection of all generations might be due.


async def _validated_in_steps(
    schema: GraphQLSchema, document: DocumentNode, rules: Rules
) -> list[GraphQLError]:
    """Return what is wrong with a document, in the order of the text; others have the loop in between."""
    steps = [rules] if bytes_of_document(document) < IN_STEPS else _steps(rules)
    faults: list[GraphQLError] = []
    for step in steps:
        await turns.take_for(document.loc.source.body if document.loc else "")
        faults += _validated(schema, document, step)
        if any(isinstance(fault, ValidationAbortedError) for fault in faults):
            return faults
    return faults if len(steps) == 1 else sorted(faults, key=_place)


def _steps(rules: Rules) -> list[Rules]:
    """Return the rules in parts that take about as long; to walk through the document takes as long again."""
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


class Documents:
    """Parses and validates, and keeps what came of it in at most `most_bytes`."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.kept: Kept[str, _Text] = Kept(most_bytes)

    def parse(self, text: str, *, max_tokens: int) -> DocumentNode:
        """Return the document in a text; raise `GraphQLError` for what is none, or has too many tokens."""
        if known := self.kept.get(text):
            return known.document
        document = _without_cycles(parse(text, max_tokens=max_tokens))
        parsed = _Text(document, bytes_of_document(document))
        self.kept.put(text, parsed, parsed.bytes)
        return document

    async def validate(
        self, schema: GraphQLSchema, document: DocumentNode, rules: Rules
    ) -> list[GraphQLError]:
        """Return what is wrong with a document; the same errors are returned each time."""
        text = document.loc.source.body if document.loc else ""
        known = self.kept.get(text)
        if known is None or known.document is not document:
            return await _validated_in_steps(schema, document, rules)
        if (faults := known.faults.get((schema, rules))) is None:
            faults = await _validated_in_steps(schema, document, rules)
            if (meanwhile := known.faults.setdefault((schema, rules), faults)) is not faults:
                return meanwhile
            known.bytes += sum(PER_ERROR + getsizeof(fault.message) for fault in faults)
            if self.kept.get(text) is known:
                self.kept.weigh(text, known.bytes)
        return faults


documents = Documents()
"""Of the shop's schema, for all transports."""
