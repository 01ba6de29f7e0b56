"""Checks at the start that every part of the program is declared, so that no request finds a gap."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cache

import app.domain
import app.read_models
from app.cqrs import contexts
from app.cqrs.commands.outcomes import CommandError
from app.cqrs.documents import keys as document_keys
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.fingerprints import NoSource
from app.cqrs.messages import Event
from app.declared import EVENTS, READ_MODELS
from app.domain.contexts import CONTEXTS
from schema import completeness as schema


class Incomplete(Exception):
    """A gap in the program's declarations; each line of the message says what to add where."""


@cache
def require_complete() -> None:
    """Raise `Incomplete` if `problems` finds any."""
    if found := problems():
        raise Incomplete("\n".join(found))


def problems() -> Sequence[str]:
    """Return a sentence for each missing declaration."""
    kinds = {each.kind for context in CONTEXTS for each in context.aggregates}
    try:
        written = {model.name: document_keys.keys_written(model) for model in READ_MODELS}
        return [
            *_without_context(),
            *contexts.problems(CONTEXTS),
            *_read_models(),
            *(problem for model in READ_MODELS for problem in _problems(model, written[model.name])),
            *schema.problems(written, _refusals(), kinds),
        ]
    except NoSource as error:
        return [f"Read models can't get fingerprints: {error}. Install the program with its source text."]


def _without_context() -> Iterator[str]:
    known = {context.package for context in CONTEXTS}
    for name in contexts.packages_in(app.domain):
        if name not in known:
            yield f"The package {name} is not a context: declare its CONTEXT in {name}.handlers."


def _read_models() -> Iterator[str]:
    for name, times in Counter(model.name for model in READ_MODELS).items():
        if times > 1:
            yield f"{times} read models have the name {name}: give each a name of its own."
    for model in READ_MODELS:
        if not model.description:
            yield (
                f"The read model {model.name} has no description, which clients are shown: give it a "
                "`description`."
            )


def _problems(model: ReadModel, written: Collection[str]) -> Iterator[str]:
    for event_type in model.answers:
        if event_type is not Event and event_type not in set(EVENTS):
            yield (
                f"{model.name} handles {event_type.__name__}, which no context declares: move it to the "
                "events of a context."
            )
    yield from document_keys.problems(model, written)


def _refusals(kind: type[CommandError] = CommandError) -> Iterator[type[CommandError]]:
    """Yield the application's refusals, including the generic ones."""
    for each in kind.__subclasses__():
        if each.__module__.startswith(f"{app.__name__}."):
            yield each
        yield from _refusals(each)
