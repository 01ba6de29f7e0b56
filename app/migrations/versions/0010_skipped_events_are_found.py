"""An index of the decisions of operators to skip events, which projectors read whenever they start."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the index, which contains these events only."""
    decided = sa.text("type = 'EventSkipped'")
    op.create_index(
        "ix_events_skipped", "events", ["position"], sqlite_where=decided, postgresql_where=decided
    )
