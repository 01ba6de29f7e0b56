"""Decisions of operators to forget actors: events in the log."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid5

from app.cqrs.impersonal import Impersonal
from app.cqrs.log.personal import ActorForgotten
from app.stores.sql.keys.actors import Actor, person_in
from app.stores.sql.operating.decisions import Decision

_DECISION = UUID("5c0a5c1e-9d2f-4c39-8a54-0f6b8d3c6f11")
"""The namespace of the ids of these decisions."""


class IsCustomer(Impersonal):
    """The name is a customer's, and is forgotten with the customer, and the message says how."""


def people_in(name: str, found: Mapping[str, Actor]) -> Sequence[UUID]:
    """Return the people who are actors with a name, but no customers; raise `IsCustomer` if all are."""
    people = [person for each in found if (person := person_in(each)) and found[each].customer is None]
    if found and not people:
        customer = next(iter(found.values())).customer
        raise IsCustomer(
            f"{name} is a customer, whose name is forgotten with the customer.\n"
            f"Use `forget {customer}`, which closes the account, too."
        )
    return people


def forgetting(person: UUID) -> Decision:
    """Return the decision to forget a person who is an actor."""
    id = uuid5(_DECISION, str(person))
    return Decision(id=id, stream=f"actor-{person}", event=ActorForgotten(person=person))
