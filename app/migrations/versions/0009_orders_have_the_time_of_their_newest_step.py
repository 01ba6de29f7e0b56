"""Orders have the time of their newest step, because no later one may be stated to have come before it.

Orders that were paid, shipped or cancelled earlier have none: what is compared then is the time of placing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column."""
    op.add_column("orders", sa.Column("step_at", sa.DateTime(timezone=True)))
