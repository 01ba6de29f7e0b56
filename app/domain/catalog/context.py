from app.cqrs.contexts import Context
from app.domain.catalog import commands, events, handlers, refusals, tables

catalog = Context(
    commands=commands,
    events=events,
    refusals=refusals,
    tables=tables,
    handlers=handlers.HANDLERS,
    aggregates=[handlers.products],
)
