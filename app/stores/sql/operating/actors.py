"""Decisions of operators to forget actors: events in the log."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid5

from sqlalchemy import select

from app.cqrs.commands.write_store import Cause
from app.cqrs.impersonal import Impersonal
from app.cqrs.log.personal import ActorForgotten
from app.stores.sql.keys.actors import Actor, person_in
from app.stores.sql.operating.skips import FINGERPRINT
from app.stores.sql.transactions import SqlWork, events

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


def cause_of(person: UUID, by: str) -> Cause:
    """Return the cause of a decision, whose id is derived from the person who is forgotten."""
    id = uuid5(_DECISION, str(person))
    return Cause(command_id=id, correlation_id=id, actor=by, at=datetime.now(UTC))


async def decide(work: SqlWork, person: UUID) -> None:
    """Record and commit a decision; do nothing if it was recorded before."""
    await work.take_positions()  # Another process that decides the same waits here.
    stream = f"actor-{person}"
    earlier = await work.rows.execute(select(events.c.position).where(events.c.stream == stream))
    if earlier.first() is None:
        work.record(stream, 0, [ActorForgotten(person=person)])
        await work.commit(FINGERPRINT)
