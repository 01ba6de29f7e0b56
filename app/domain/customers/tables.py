"""The customers' table, and functions that load and save customers."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, Row, String, Table, Text, bindparam, select

from app.domain.customers.events import CustomerDetails
from app.domain.customers.model import Customer
from app.stores.sql.engines.opening import PERSONAL, Uuid, metadata
from app.stores.sql.transactions import SqlWork
from app.values import ADDRESS, PostalAddress, email_key

# All columns but id and version are personal data, which is NULL once the customer is closed.
# In backups they are sealed with the key of the customer, because they would outlive the customer there.
_PERSONAL = {PERSONAL: True}

customers = Table(
    "customers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", String(200), info=_PERSONAL),
    Column("company", String(200), info=_PERSONAL),
    Column("email", String(254), info=_PERSONAL),
    Column("email_key", Text, unique=True, info=_PERSONAL),  # the form in which addresses are compared
    Column("phone", String(50), info=_PERSONAL),
    Column("street", String(500), info=_PERSONAL),
    Column("city", String(200), info=_PERSONAL),
    Column("country", String(100), info=_PERSONAL),
    Column("region", String(100), info=_PERSONAL),
    Column("postal_code", String(30), info=_PERSONAL),
    Column("recipient", String(200), info=_PERSONAL),
)

_INSERT = customers.insert()
_IDS = select(customers.c.id)
_UPDATE = customers.update().where(customers.c.id == bindparam("key"))


async def load(work: SqlWork, customer_id: UUID) -> Customer | None:
    """Return the customer with this id, locked for a change, or `None` if there is none."""
    return _customer(await work.claim(customers, {customer_id}))


async def look_up(work: SqlWork, customer_id: UUID) -> Customer | None:
    """Return the customer with this id, or `None`; no other transaction changes them before the commit."""
    return _customer(await work.rely_on(customers, {customer_id}))


async def holder_of(work: SqlWork, email: object) -> UUID | None:
    """Return the id of the customer who has this e-mail address, or `None`, also if it is not well-formed."""
    key = email_key(email)
    if key is None:
        return None
    return await work.holder(customers.c.email_key, key)


async def ids(work: SqlWork) -> Collection[UUID]:
    """Return the ids of all customers."""
    return (await work.rows.execute(_IDS)).scalars().all()


async def save(work: SqlWork, before: Customer | None, customer: Customer) -> None:
    """Insert the customer's row, or update it if there was a customer `before`."""
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
        # An unchanged address keeps its key: customers who shared an address before its two forms counted as
        # one have keys that differ, and could not be saved with the same key.
        row["email_key"] = email_key(row["email"])
    if before is None:
        await work.write(_INSERT, row)
    else:
        await work.write(_UPDATE, {"key": customer.id, **row})


def _customer(found: Sequence[Row[Any]]) -> Customer | None:
    if not found:
        return None
    [row] = found
    return Customer(id=row.id, version=row.version, details=_details(row))


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
