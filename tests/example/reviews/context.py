from app.cqrs.contexts import Context
from tests.example.reviews import commands, events, handlers, refusals, tables

reviews = Context(
    commands=commands,
    events=events,
    refusals=refusals,
    tables=tables,
    handlers=handlers.HANDLERS,
    aggregates=[handlers.reviews],
)
