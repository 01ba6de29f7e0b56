from app.cqrs.contexts import Context
from app.domain.orders import commands, events, handlers, refusals, tables

orders = Context(
    commands=commands,
    events=events,
    refusals=refusals,
    tables=tables,
    handlers=handlers.HANDLERS,
    aggregates=[handlers.orders],
)
