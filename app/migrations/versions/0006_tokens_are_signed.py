"""The key with which consistency tokens are signed, which is generated once for each store."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table, and generate the key."""
    table = op.create_table(
        "secrets",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.LargeBinary(), nullable=False),
    )
    op.execute(table.insert().values(name="tokens", value=secrets.token_bytes(32)))
