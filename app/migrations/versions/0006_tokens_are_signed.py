"""The key that consistency tokens are signed with: made once, and kept with the store."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Makes the table, and the key."""
    table = op.create_table(
        "secrets",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.LargeBinary(), nullable=False),
    )
    op.execute(table.insert().values(name="tokens", value=secrets.token_bytes(32)))
