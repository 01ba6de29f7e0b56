"""Events have the place of their command in its trace, if that was traced.

The column is added in place, on SQLite too: a copy of the log would take as long as the log is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column, which is null for all events that were recorded before."""
    op.add_column("events", sa.Column("trace", sa.String(55)))
