"""The customers' interface for other contexts, which call it within their transactions."""

from dataclasses import dataclass
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.domain.customers import model, tables
from app.stores.sql.transactions import SqlWork
from app.values import PostalAddress


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """A customer with their current details, which are personal data."""

    customer_id: UUID
    name: str
    company: str | None = None
    address: PostalAddress | None = None
    objection: CommandError | None = None
    """The reason why the customer can't order, if there is one."""


async def buyer(work: SqlWork, customer_id: UUID) -> Buyer | None:
    """Return the customer with this id, or `None` if there is none; the name of a closed one is empty."""
    customer = await tables.look_up(work, customer_id)
    if customer is None:
        return None
    if customer.details is None:
        return Buyer(customer_id=customer_id, name="", objection=model.closed(customer))
    details = customer.details
    return Buyer(customer_id=customer_id, name=details.name, company=details.company, address=details.address)
