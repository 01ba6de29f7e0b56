"""E-mail addresses that were stored by their bytes are found by what they are compared by now.

Where two customers had one address in two forms, the older one has it from now on; the younger one's row
keeps its key, which no address leads to any more.
"""

import sqlalchemy as sa
from alembic import op

from app.domain.customers.model import email_key

revision = "0003"
down_revision = "0002"

_CUSTOMERS = sa.table(
    "customers",
    sa.column("id", sa.Uuid()),
    sa.column("email", sa.String()),
    sa.column("email_key", sa.Text()),
)


def upgrade() -> None:
    """Replaces the keys that differ; ids rise with time, so the oldest customers come first."""
    connection, rows = op.get_bind(), _CUSTOMERS.c
    found = connection.execute(sa.select(_CUSTOMERS).where(rows.email.is_not(None)).order_by(rows.id))
    for row in found.all():
        key = email_key(row.email)
        if key in (None, row.email_key):
            continue
        if connection.execute(sa.select(rows.id).where(rows.email_key == key)).first() is None:
            connection.execute(sa.update(_CUSTOMERS).where(rows.id == row.id).values(email_key=key))
