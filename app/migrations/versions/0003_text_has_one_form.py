"""Rows get their text in the Unicode form in which events are read, and e-mail addresses their new keys.

If two customers had one address in two forms, searches now find the older customer; the younger one's row
keeps its old key, which no search finds any more.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.cqrs.texts import one_form
from app.values import email_key

revision = "0003"
down_revision = "0002"


def _table(name: str, texts: str, **keys: Any) -> sa.TableClause:
    columns = [sa.column(key, kind) for key, kind in keys.items()]
    return sa.table(name, *columns, *(sa.column(text, sa.String()) for text in texts.split()))


_PERSON = "name company email phone street city country region postal_code recipient"
_CUSTOMERS = _table("customers", f"{_PERSON} email_key", id=sa.Uuid())
_KEYS = {
    _table("products", "name category description packaging", id=sa.Uuid()): ["id"],
    _table("order_lines", "title category packaging", order_id=sa.Uuid(), line=sa.Integer()): [
        "order_id",
        "line",
    ],
    _table("customers", _PERSON, id=sa.Uuid()): ["id"],
}
"""The tables with text from clients, and the columns of their keys."""


def upgrade() -> None:
    """Rewrite the rows whose text has another form, and the keys that change."""
    connection = op.get_bind()
    for table, keys in _KEYS.items():
        for row, formed in list(_differing(connection, table, keys)):
            found_by = (table.c[key] == row[key] for key in keys)
            connection.execute(sa.update(table).where(*found_by).values(formed))
    _renew_keys(connection)


def _differing(
    connection: sa.Connection, table: sa.TableClause, keys: list[str]
) -> Iterator[tuple[sa.RowMapping, dict[str, str]]]:
    for row in connection.execute(sa.select(table).execution_options(yield_per=1000)).mappings():
        texts = {name: text for name, text in row.items() if name not in keys and text is not None}
        formed = {name: one_form(text) for name, text in texts.items()}
        if formed != texts:
            yield row, formed


def _renew_keys(connection: sa.Connection) -> None:
    """Set the new keys of e-mail addresses, beginning with the oldest customers: ids rise with time."""
    rows = _CUSTOMERS.c
    columns = sa.select(rows.id, rows.email, rows.email_key)
    for row in connection.execute(columns.where(rows.email.is_not(None)).order_by(rows.id)).all():
        key = email_key(row.email)
        if key in (None, row.email_key):
            continue
        if connection.execute(sa.select(rows.id).where(rows.email_key == key)).first() is None:
            connection.execute(sa.update(_CUSTOMERS).where(rows.id == row.id).values(email_key=key))
