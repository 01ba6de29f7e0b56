"""The descriptor of a context, over which all code that concerns every context iterates."""

import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from uuid import UUID

from app.cqrs.commands.aggregates import Aggregate
from app.cqrs.commands.bus import CustomersOf, Handlers
from app.cqrs.commands.forwarding.encoding import CommandEncoding
from app.cqrs.commands.outcomes import CommandError, refusals_in
from app.cqrs.commands.rules import NamingTheir, Rules
from app.cqrs.log import displaying, personal
from app.cqrs.log.events import EventTypes
from app.cqrs.log.upcasting import Upcasters
from app.cqrs.message_fields import undescribed
from app.cqrs.messages import Command, Event, Message, defined_in

Forgetting = Callable[[UUID], Command]
"""A function from the id of a person to the command that forgets them, whatever else is so."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """A package of the write side: its modules, all of whose classes belong to it, and its handlers."""

    commands: ModuleType
    events: ModuleType
    tables: ModuleType
    handlers: Handlers
    rules: Rules
    """The rule about the senders of each command."""
    aggregates: Sequence[Aggregate[Any, Any]]
    forgetting: Forgetting | None = None
    """The command that forgets a person of the context again; `None` if nobody can be forgotten in it."""
    refusals: ModuleType | None = None
    """`None` if only the generic refusals occur."""

    @property
    def package(self) -> str:
        """The dotted name of its package."""
        return self.events.__name__.rpartition(".")[0]

    @property
    def command_types(self) -> Sequence[type[Command]]:
        """The types of its commands."""
        return defined_in(self.commands, Command)

    @property
    def event_types(self) -> Sequence[type[Event]]:
        """The types of its events."""
        return defined_in(self.events, Event)

    @property
    def refusal_types(self) -> Sequence[type[CommandError]]:
        """The types of its own refusals."""
        return refusals_in(self.refusals) if self.refusals else ()

    @property
    def upcasters(self) -> Sequence[Upcasters]:
        """The steps from the shapes that its events once had."""
        return [value for value in vars(self.events).values() if isinstance(value, Upcasters)]


def context_of(
    handling: str,
    *,
    handlers: Handlers,
    aggregates: Sequence[Aggregate[Any, Any]],
    forgetting: Forgetting | None = None,
) -> Context:
    """Return the context whose module `handlers` is called `handling`, with the modules beside it.

    These are `commands`, `events`, `tables`, `rules` with the `RULES` about senders and, if it has any of its
    own, `refusals`.
    """
    package = handling.rpartition(".")[0]
    rules = import_module(f"{package}.rules").RULES if find_spec(f"{package}.rules") else {}
    return Context(
        commands=import_module(f"{package}.commands"),
        events=import_module(f"{package}.events"),
        refusals=import_module(f"{package}.refusals") if find_spec(f"{package}.refusals") else None,
        tables=import_module(f"{package}.tables"),
        handlers=handlers,
        rules=rules,
        aggregates=aggregates,
        forgetting=forgetting,
    )


def contexts_in(package: ModuleType) -> Sequence[Context]:
    """Return the context of each package within `package`: the `CONTEXT` of its module `handlers`."""
    return [
        context
        for found in packages_in(package)
        if isinstance(context := getattr(import_module(f"{found}.handlers"), "CONTEXT", None), Context)
    ]


def packages_in(package: ModuleType) -> Sequence[str]:
    """Return the names of the packages within `package`, sorted."""
    found = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    return sorted(each.name for each in found if each.ispkg)


def event_types(contexts: Sequence[Context]) -> EventTypes:
    """Return the registry of all events; raise `ValueError` if two of them have the same name."""
    types = EventTypes()
    for context in contexts:
        types.add(*context.event_types)
        for upcasters in context.upcasters:
            types.upcasters.add(upcasters)
    return types


def handlers(contexts: Sequence[Context]) -> Handlers:
    """Return the handlers of all commands."""
    return {command: handler for context in contexts for command, handler in context.handlers.items()}


def customers_of(contexts: Sequence[Context]) -> CustomersOf:
    """Return the functions that find the customers of aggregates, by the kind of aggregate."""
    aggregates = (each for context in contexts for each in context.aggregates)
    return {each.kind: each.customer_of for each in aggregates if each.customer_of}


def rules(contexts: Sequence[Context]) -> Rules:
    """Return the rules of all commands."""
    return {command: rule for context in contexts for command, rule in context.rules.items()}


def encoding(contexts: Sequence[Context]) -> CommandEncoding:
    """Return the form in which commands and their outcomes travel to other processes.

    Raises `ValueError` if `problems` finds any about that.
    """
    return CommandEncoding(
        (command for context in contexts for command in context.command_types),
        (refusal for context in contexts for refusal in context.refusal_types),
    )


def problems(contexts: Sequence[Context]) -> Iterator[str]:
    """Yield an error message, with what to do, for each mismatch of declared and registered messages."""
    for context in contexts:
        yield from _problems(context)
    carried_out = Counter(command for context in contexts for command in context.handlers)
    for command, times in carried_out.items():
        if times > 1:
            yield (
                f"{command.__name__} has {times} handlers: keep the one in its own CONTEXT, and remove the "
                "others."
            )
    for kind, times in Counter(each.kind for context in contexts for each in context.aggregates).items():
        if times > 1:
            yield f"{times} aggregates have the kind {kind}, so their streams would mix: rename one."
    yield from event_types(contexts).problems()
    try:
        encoding(contexts)
    except ValueError as error:
        yield from str(error).splitlines()


def _problems(context: Context) -> Iterator[str]:
    for command in context.command_types:
        if command not in context.handlers:
            yield (
                f"{command.__name__} has no handler: add one to `handlers` of the CONTEXT in "
                f"{context.package}.handlers."
            )
        if command not in context.rules:
            yield (
                f"{command.__name__} has no rule about who may send it: add one to RULES in "
                f"{context.package}.rules, such as `only(Sight.STAFF)`."
            )
    for command, rule in context.rules.items():
        if command not in context.command_types:
            yield (
                f"{context.package}.rules has a rule for {command.__name__}, which is none of its commands: "
                "move the rule to the context of the command."
            )
        if isinstance(rule.check, NamingTheir) and rule.check.kind not in customers_of([context]):
            yield (
                f"The rule of {command.__name__} asks to whom a {rule.check.kind} belongs: give its "
                f"Aggregate in {context.package}.handlers a `customer_of`."
            )
    for shown in (*context.command_types, *context.refusal_types):
        yield from undescribed(shown)
    for event in context.event_types:
        yield from displaying.problems(event)
        yield from personal.problems(event)
        if event.forgets and context.forgetting is None:
            yield (
                f"{event.__name__} forgets people, and nothing forgets them again after a restore: give the "
                f"CONTEXT in {context.package}.handlers a `forgetting`."
            )
    homes: dict[type[Message], tuple[str, Sequence[type[Message]]]] = {
        Command: (context.commands.__name__, context.command_types),
        Event: (context.events.__name__, context.event_types),
        CommandError: (f"{context.package}.refusals", context.refusal_types),
    }
    for kind, (home, known) in homes.items():
        for stray in _all_below(kind):
            if f"{stray.__module__}.".startswith(f"{context.package}.") and stray not in known:
                yield f"{stray.__module__}.{stray.__name__} is not registered: move it to {home}."


def _all_below(kind: type[Message]) -> Iterator[type[Message]]:
    for below in kind.__subclasses__():
        yield below
        yield from _all_below(below)
