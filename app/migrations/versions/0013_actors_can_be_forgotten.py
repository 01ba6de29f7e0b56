"""The names of actors are replaced by pseudonyms, in events and beside commands.

The service, or `seal`, does that one portion after the other. Names in the open are read meanwhile.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Have the whole log be gone through again."""
    op.get_bind().execute(
        sa.text(
            "UPDATE sealing SET until = coalesce((SELECT max(position) FROM events), 0), sealed_to = 0, "
            "fingerprints_keyed = (SELECT count(*) FROM commands) = 0"
        )
    )
