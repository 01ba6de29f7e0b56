from app.cqrs.contexts import Context
from app.domain.customers import commands, events, handlers, refusals, tables

customers = Context(
    commands=commands,
    events=events,
    refusals=refusals,
    tables=tables,
    handlers=handlers.HANDLERS,
    aggregates=[handlers.customers],
)
