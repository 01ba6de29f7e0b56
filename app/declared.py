"""All that the shop declares: its contexts, with their events, handlers and rules, and its read models."""

from collections.abc import Sequence

import app.read_models
from app.cqrs import contexts
from app.cqrs.documents.days import Days
from app.cqrs.documents.declared import read_models_in
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.log.personal import ActorForgotten
from app.cqrs.projecting.skipping import EventSkipped
from app.domain.contexts import CONTEXTS

HANDLERS = contexts.handlers(CONTEXTS)
RULES = contexts.rules(CONTEXTS)
CUSTOMERS_OF = contexts.customers_of(CONTEXTS)
AGGREGATES = [aggregate for context in CONTEXTS for aggregate in context.aggregates]
EVENTS = contexts.event_types(CONTEXTS)
EVENTS.add(EventSkipped, ActorForgotten)

READ_MODELS = read_models_in(app.read_models)
"""The read models of all modules in `app/read_models/`, as they are declared: with days in UTC."""

for _model in READ_MODELS:
    _model.learn(EVENTS)


def read_models(days: Days) -> Sequence[ReadModel]:
    """Return the read models of a shop with these days."""
    return [model.in_days(days) for model in READ_MODELS]
