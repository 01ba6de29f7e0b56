"""The rules about who may send which command; contexts declare them in their modules `rules`.

A command without a rule may be sent by nobody.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any
from uuid import UUID

from app.cqrs.commands.outcomes import (
    CommandError,
    InvalidInput,
    NotAllowed,
    Refused,
    not_found,
    refused,
)
from app.cqrs.commands.parsing import label
from app.cqrs.message_fields import id_field
from app.cqrs.messages import Command
from app.cqrs.viewers import Sight, Viewer

CustomerOf = Callable[[str, UUID], Awaitable[UUID | None]]
"""A function from a kind of aggregate and an id to the id of the customer to whom the aggregate belongs.

It returns `None` if there is no such aggregate.
"""

Check = Callable[[Any, Viewer, CustomerOf], Awaitable[Refused | None]]
"""A function of a command and its viewer; it returns the refusal, or `None`. It runs in the transaction.

It must not tell a foreign object from a missing one, and must not wait for locks: both would tell the viewer
that the object exists.
"""

_PEOPLE = {
    Sight.ANONYMOUS: "everybody",
    Sight.CUSTOMER: "customers",
    Sight.STAFF: "staff",
    Sight.OPERATOR: "operators",
}


_ABOVE = {
    Sight.ANONYMOUS: "everybody",
    Sight.CUSTOMER: "customers, staff and operators",
    Sight.STAFF: "staff and operators",
    Sight.OPERATOR: "operators",
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule about who may send a command."""

    by: Sight | None
    """The narrowest sight with which it may be sent; `None` if nobody may send it."""
    freely_by: Sight | None = None
    """The narrowest sight whose commands `check` need not accept."""
    check: Check | None = None
    """The check of commands by all others, in the transaction of the command."""

    def refusal_at_once(self, command: Command, viewer: Viewer) -> Refused | None:
        """Return the refusal that needs no look into the store, or `None`."""
        sight = viewer.scope.sight
        if self.by is not None and sight.includes(self.by):
            return None
        permitted = "Nobody" if self.by is None else f"Only {_ABOVE[self.by]}"
        advice = " Sign in first." if self.by is not None and sight is Sight.ANONYMOUS else ""
        return refused(NotAllowed(message=f"{permitted} may send {type(command).__name__}.{advice}"))

    async def refusal(self, command: Command, viewer: Viewer, customer_of: CustomerOf) -> Refused | None:
        """Return the refusal of a command whose transaction has begun, or `None`."""
        if self.check is None or self._is_free(viewer):
            return None
        return await self.check(command, viewer, customer_of)

    def told(self, refusal: Refused, command: Command, viewer: Viewer) -> Refused:
        """Return the refusal without objects that the viewer has not named, and may not know of."""
        if viewer.scope.sight.includes(Sight.STAFF):
            return refusal
        named = {*_ids_in(command)}
        return refused(
            *(each if named.issuperset(_ids_in(each)) else _reticent(each) for each in refusal.errors)
        )

    def _is_free(self, viewer: Viewer) -> bool:
        return self.freely_by is not None and viewer.scope.sight.includes(self.freely_by)

    def __str__(self) -> str:
        if self.by is None:
            return "Nobody may send it."
        if self.check and self.freely_by:
            freely = _ABOVE[self.freely_by]
            return f"{_PEOPLE[self.by].capitalize()} may send it for themselves, {freely} for all."
        if self.by is Sight.ANONYMOUS:
            return "Everybody may send it."
        return f"Only {_ABOVE[self.by]} may send it."


Rules = Mapping[type[Command], Rule]
"""The rules by the type of command."""

NOBODY = Rule(by=None)
"""The rule of a command that has none."""

EVERYBODY = Rule(by=Sight.ANONYMOUS)
"""The rule of a command that may be sent without signing in."""


def only(sight: Sight) -> Rule:
    """Return the rule that viewers with this sight, or a wider one, may send the command."""
    return Rule(by=sight)


def customers_or(sight: Sight, check: Check) -> Rule:
    """Return the rule that customers may send what `check` accepts, and viewers with `sight` everything."""
    return Rule(by=Sight.CUSTOMER, freely_by=sight, check=check)


def naming_themselves(kind: str) -> Check:
    """Return the check that the command names the viewer's own customer, an aggregate of this kind."""

    async def check(command: Command, viewer: Viewer, _customer_of: CustomerOf) -> Refused | None:
        field, id = named_by(command, kind)
        return None if str(id) == viewer.scope.customer else refused(not_found(kind, id, field))

    return check


@dataclass(frozen=True)
class NamingTheir:
    """The check that the aggregate of this kind that the command names belongs to the viewer's customer."""

    kind: str

    async def __call__(self, command: Command, viewer: Viewer, customer_of: CustomerOf) -> Refused | None:
        """Return the refusal, which is the same for a foreign aggregate and for none."""
        field, id = named_by(command, self.kind)
        customer = await customer_of(self.kind, id)
        if customer is not None and str(customer) == viewer.scope.customer:
            return None
        return refused(not_found(self.kind, id, field))


def named_by(command: Command, kind: str) -> tuple[str, UUID]:
    """Return the field of a command that identifies an aggregate of this kind, and the id in it."""
    field = id_field(type(command), kind)
    if field is None:
        raise TypeError(f"{type(command).__name__} names no {kind}, so a rule can't compare it")
    return field, getattr(command, field)


def _reticent(error: CommandError) -> InvalidInput:
    return InvalidInput(message=f"{label(error.path)} can't be used. Choose another.", path=error.path)


def _ids_in(value: object) -> Iterator[UUID]:
    if isinstance(value, UUID):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _ids_in(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _ids_in(getattr(value, field.name))
