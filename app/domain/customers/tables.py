"""The customers' rows, and how customers are loaded from and saved to them."""

from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, Result, Row, String, Table, Text, Uuid, bindparam, select

from app.domain.customers.events import CustomerDetails
from app.domain.customers.model import Customer, email_key
from app.stores.sql.engines import metadata
from app.stores.sql.write_store import SqlWork
from app.values import ADDRESS, PostalAddress

# Personal data but for id and version; all of it is NULL once a customer is closed.
customers = Table(
    "customers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", String(200)),
    Column("company", String(200)),
    Column("email", String(254)),
    Column("email_key", Text, unique=True),  # what the address is compared by
    Column("phone", String(50)),
    Column("street", String(500)),
    Column("city", String(200)),
    Column("country", String(100)),
    Column("region", String(100)),
    Column("postal_code", String(30)),
    Column("recipient", String(200)),
)

_WITH_ID = select(customers).where(customers.c.id == bindparam("key"))
_WITH_EMAIL = select(customers.c.id).where(customers.c.email_key == bindparam("key"))
_INSERT = customers.insert()
_UPDATE = customers.update().where(customers.c.id == bindparam("key"))


async def load(work: SqlWork, customer_id: UUID) -> Customer | None:
    """The customer with this id, to change them."""
    return _customer(await work.claim(_WITH_ID, key=customer_id))


async def look_up(work: SqlWork, customer_id: UUID) -> Customer | None:
    """The customer with this id, to rely on what they are."""
    return _customer(await work.rely_on(_WITH_ID, key=customer_id))


async def holder_of(work: SqlWork, email: object) -> UUID | None:
    """The id of the customer who has this e-mail address; nobody has one that is not well-formed."""
    key = email_key(email)
    if key is None:
        return None
    return (await work.rows.execute(_WITH_EMAIL, {"key": key})).scalar_one_or_none()


async def save(work: SqlWork, before: Customer | None, customer: Customer) -> None:
    """Writes the customer's row."""
    details = customer.details
    address = details.address if details else None
    row = {
        "id": customer.id,
        "version": customer.version,
        **{field: getattr(details, field, None) for field in ("name", "company", "email", "phone")},
        **{part: getattr(address, part, None) for part in ADDRESS},
    }
    known = before.details.email if before and before.details else None
    if before is None or row["email"] != known:
        # The key stays with the address: those who shared one before its two forms were one keep theirs.
        row["email_key"] = email_key(row["email"])
    if before is None:
        await work.rows.execute(_INSERT, row)
    else:
        await work.rows.execute(_UPDATE, {"key": customer.id, **row})


def _customer(found: Result[Any]) -> Customer | None:
    row = found.one_or_none()
    return Customer(id=row.id, version=row.version, details=_details(row)) if row else None


def _details(row: Row[Any]) -> CustomerDetails | None:
    if row.name is None:
        return None
    return CustomerDetails(
        name=row.name,
        company=row.company,
        email=row.email,
        phone=row.phone,
        address=PostalAddress(**{part: getattr(row, part) for part in ADDRESS}) if row.street else None,
    )
