"""Whether all that is written is connected: what is forgotten is found at the start, and not by a request."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cache

import app.domain
import app.read_models
from app.bootstrap import EVENTS, READ_MODELS
from app.cqrs import contexts
from app.cqrs.commands.outcomes import CommandError
from app.cqrs.documents import keys as document_keys
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.fingerprints import NoSource
from app.cqrs.messages import Event
from app.domain.contexts import CONTEXTS
from schema import completeness as schema


class Incomplete(Exception):
    """Something is written and not connected; each line of the text says what to add where."""


@cache
def require_complete() -> None:
    """Raise `Incomplete` where something is forgotten."""
    if found := problems():
        raise Incomplete("\n".join(found))


def problems() -> Sequence[str]:
    """Return what is forgotten, a sentence each."""
    kinds = {each.kind for context in CONTEXTS for each in context.aggregates}
    try:
        written = {model.name: document_keys.keys_written(model) for model in READ_MODELS}
        return [
            *_unlisted_contexts(),
            *contexts.problems(CONTEXTS),
            *_unlisted_read_models(),
            *(problem for model in READ_MODELS for problem in _problems(model, written[model.name])),
            *schema.problems(written, _refusals(), kinds),
        ]
    except NoSource as error:
        return [f"Read models can't be told apart: {error}. Install the program with its source text."]


def _unlisted_contexts() -> Iterator[str]:
    listed = {context.package for context in CONTEXTS}
    for found in pkgutil.iter_modules(app.domain.__path__, f"{app.domain.__name__}."):
        if found.ispkg and found.name not in listed:
            yield f"The context {found.name} is not listed: add it to CONTEXTS in app/domain/contexts.py."


def _unlisted_read_models() -> Iterator[str]:
    for found in pkgutil.iter_modules(app.read_models.__path__, f"{app.read_models.__name__}."):
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, ReadModel) and value not in READ_MODELS:
                yield (
                    f"The read model {value.name} of {found.name} is not listed: add it to READ_MODELS in "
                    "app/bootstrap.py."
                )
    for name, times in Counter(model.name for model in READ_MODELS).items():
        if times > 1:
            yield f"{times} read models are called {name}: give each a name of its own."


def _problems(model: ReadModel, written: Collection[str]) -> Iterator[str]:
    for event_type in model.answers:
        if event_type is not Event and event_type not in set(EVENTS):
            yield (
                f"{model.name} answers {event_type.__name__}, which no context declares: list that context "
                "in app/domain/contexts.py."
            )
    yield from document_keys.problems(model, written)


def _refusals(kind: type[CommandError] = CommandError) -> Iterator[type[CommandError]]:
    """Yield the application's refusals, the generic ones included."""
    for each in kind.__subclasses__():
        if each.__module__.startswith(f"{app.__name__}."):
            yield each
        yield from _refusals(each)
