from app.cqrs.contexts import Context
from app.domain.stock import commands, events, handlers, refusals, tables

stock = Context(
    commands=commands,
    events=events,
    refusals=refusals,
    tables=tables,
    handlers=handlers.HANDLERS,
    aggregates=[handlers.stocks],
)
