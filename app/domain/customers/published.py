"""What other contexts may know of a customer, in their own transaction."""

from dataclasses import dataclass
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.domain.customers import model, tables
from app.stores.sql.write_store import SqlWork
from app.values import PostalAddress


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """A customer as a seller sees them now: personal data."""

    customer_id: UUID
    name: str
    company: str | None = None
    address: PostalAddress | None = None
    objection: CommandError | None = None
    """Why they can't order, if they can't."""


async def buyer(work: SqlWork, customer_id: UUID) -> Buyer | None:
    """The customer with this id, a closed one included; their name is then empty."""
    customer = await tables.look_up(work, customer_id)
    if customer is None:
        return None
    if customer.details is None:
        return Buyer(customer_id=customer_id, name="", objection=model.closed(customer))
    details = customer.details
    return Buyer(customer_id=customer_id, name=details.name, company=details.company, address=details.address)
