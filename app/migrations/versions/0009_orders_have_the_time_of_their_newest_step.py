"""Orders have the time of their newest step, because no later one may be stated to have come before it.

Orders that were paid, shipped or cancelled earlier have none: what is compared then is the time of placing.
"""

import sqlalchemy as sa

from app.migrations.altering import altered, table_as_it_was

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column."""
    orders = table_as_it_was(
        "orders",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("shipping_fee_cents", sa.BigInteger(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
    )
    with altered(orders) as alteration:
        alteration.add_column(sa.Column("step_at", sa.DateTime(timezone=True)))
