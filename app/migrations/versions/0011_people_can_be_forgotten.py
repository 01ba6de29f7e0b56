"""Personal data in events is sealed, and people are noted who are forgotten.

Events from before stay open until the service, or `seal`, has sealed them one portion after the other.
"""

import sqlalchemy as sa
from alembic import op

from app.migrations.altering import altered, table_as_it_was

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add columns for what is sealed, the tables, and an index of orders that are open."""
    decided = sa.text("type = 'EventSkipped'")
    events = table_as_it_was(
        "events",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("event_id", sa.Uuid(), nullable=False, unique=True),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("stream_version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("command_id", sa.Uuid(), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("causation_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.UniqueConstraint("stream", "stream_version"),
        sa.Index("ix_events_skipped", "position", sqlite_where=decided, postgresql_where=decided),
    )
    with altered(events) as alteration:
        alteration.add_column(sa.Column("person", sa.Uuid()))
        alteration.add_column(sa.Column("sealed", sa.LargeBinary()))
    of_somebody = sa.text("person IS NOT NULL")
    op.create_index(
        "ix_events_person", "events", ["person"], sqlite_where=of_somebody, postgresql_where=of_somebody
    )
    is_open = sa.text("status IN ('PLACED', 'PAID')")
    op.create_index(
        "ix_orders_open", "orders", ["customer_id"], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_table(
        "forgotten",
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_forgotten"),
    )
    sealing = op.create_table(
        "sealing",
        sa.Column("keys_id", sa.Uuid()),
        sa.Column("until", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed_to", sa.BigInteger(), nullable=False),
        sa.Column("fingerprints_keyed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("until", name="pk_sealing"),
    )
    head = op.get_bind().execute(sa.text("SELECT coalesce(max(position), 0) FROM events")).scalar_one()
    row = {"until": head, "sealed_to": 0, "fingerprints_keyed": head == 0}
    op.get_bind().execute(sealing.insert(), row)
