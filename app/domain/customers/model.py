"""The rules about customers: pure functions from a customer and a command to what happens."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError, Decision, refused
from app.cqrs.commands.parsing import Parsing
from app.cqrs.messages import Event
from app.domain.customers.commands import CloseCustomer, RegisterCustomer, UpdateCustomer
from app.domain.customers.events import CustomerClosed, CustomerDetails, CustomerRegistered, CustomerUpdated
from app.domain.customers.refusals import CustomerIsClosed, DuplicateEmail
from app.values import ADDRESS, PostalAddress, optional, text

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DOT = re.compile("[.\u3002\uff0e\uff61]")
"""Dots as they are typed in several scripts; all of them separate the labels of a domain."""


def email(given: str) -> str:
    """An address that a mail server could know; whether it does, only a mail can show."""
    given = text(254)(given)
    if not _EMAIL.fullmatch(given):
        raise ValueError("must look like name@example.com")
    return given


DETAILS = {
    "name": text(200, at_least=1),
    "company": optional(text(200)),
    "email": optional(email),
    "phone": optional(text(50)),
}
"""The parsers of a customer's details, by field; `ADDRESS` has those of the address."""


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A customer; one that is closed is a number only."""

    id: UUID
    version: int
    details: CustomerDetails | None
    """`None` once closed: the shop has forgotten who it was."""


def email_key(given: object) -> str | None:
    """Return what a well-formed e-mail address is compared by, whatever its case; `None` for anything else.

    A domain in Unicode and its form in ASCII, such as `bücher.example` and `xn--bcher-kva.example`, are one.
    """
    try:
        local, _, domain = email(given).rpartition("@") if isinstance(given, str) else ("", "", "")
    except ValueError:
        return None
    if not local:
        return None
    labels = [unicodedata.normalize("NFKC", _in_unicode(label)) for label in _DOT.split(domain)]
    return unicodedata.normalize("NFC", f"{local}@{'.'.join(labels)}".lower())


def _in_unicode(label: str) -> str:
    """Return a domain's label without Punycode; unchanged where it has none, or none that is readable."""
    if label[:4].lower() != "xn--":
        return label
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except ValueError:
        return label
    return decoded if decoded and decoded.isprintable() else label


def register(command: RegisterCustomer, customer_id: UUID, holder: UUID | None) -> Decision:
    """A new customer; `holder` is who has the e-mail address already."""
    parsing = Parsing()
    details = CustomerDetails(**_detailed(parsing, command))
    if problems := (*parsing.problems, *_taken(command, customer_id, holder)):
        return refused(*problems)
    return (CustomerRegistered(customer_id=customer_id, personal=details),)


def update(customer: Customer, command: UpdateCustomer, _now: datetime, *, holder: UUID | None) -> Decision:
    """Other details, of a customer who is not closed; nothing happens where nothing differs."""
    if customer.details is None:
        return refused(closed(customer))
    parsing = Parsing()
    details = replace(customer.details, **_detailed(parsing, command))
    if problems := (*parsing.problems, *_taken(command, customer.id, holder)):
        return refused(*problems)
    if details == customer.details:
        return ()
    return (CustomerUpdated(customer_id=customer.id, personal=details),)


def close(customer: Customer, _command: CloseCustomer, _now: datetime) -> Decision:
    """The end of the business; nothing happens the second time."""
    return (CustomerClosed(customer_id=customer.id),) if customer.details else ()


def evolve(customer: Customer | None, event: Event) -> Customer:
    """The customer after `event`."""
    match customer, event:
        case None, CustomerRegistered():
            return Customer(id=event.customer_id, version=1, details=event.personal)
        case Customer(), CustomerUpdated():
            return replace(customer, version=customer.version + 1, details=event.personal)
        case Customer(), CustomerClosed():
            return replace(customer, version=customer.version + 1, details=None)
    raise TypeError(f"{type(event).__name__} can't happen to {customer}")


def closed(customer: Customer) -> CustomerIsClosed:
    """Why a closed customer can't order or be changed."""
    message = "The business with this customer has ended. Register them anew to continue it."
    return CustomerIsClosed(message=message, customer_id=customer.id, path=("customer_id",))


def _detailed(parsing: Parsing, command: RegisterCustomer | UpdateCustomer) -> dict[str, Any]:
    details = parsing.fields(command, DETAILS)
    if isinstance(command.address, PostalAddress):
        details["address"] = PostalAddress(**parsing.fields(command.address, ADDRESS, ("address",)))
    elif command.address is None:
        details["address"] = None
    return details


def _taken(
    command: RegisterCustomer | UpdateCustomer, customer_id: UUID, holder: UUID | None
) -> tuple[CommandError, ...]:
    if holder in (None, customer_id):
        return ()
    message = "Another customer has this e-mail address. Use theirs, or leave it out."
    address = str(command.email).strip()
    return (DuplicateEmail(message=message, email=address, customer_id=holder, path=("email",)),)
