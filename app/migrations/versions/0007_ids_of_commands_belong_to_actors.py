"""The id of a command belongs to its actor, so that nobody gets the receipt of another's command.

Commands that recorded events get the actor of these. Processes that started before this migration write
commands without an actor, which are then those of `anonymous`.
"""

import sqlalchemy as sa
from alembic import op

from app.migrations.altering import altered, table_as_it_was

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column, make it a part of the key, and fill it from the events."""
    commands = table_as_it_was(
        "commands",
        sa.Column("command_id", sa.Uuid(), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
    )
    with altered(commands) as alteration:
        alteration.add_column(sa.Column("actor", sa.String(200), nullable=False, server_default="anonymous"))
        alteration.drop_constraint("pk_commands", type_="primary")
        alteration.create_primary_key("pk_commands", ["command_id", "actor"])
    op.execute("""
        UPDATE commands SET actor = known.actor
        FROM (SELECT command_id, min(actor) AS actor FROM events GROUP BY command_id) AS known
        WHERE known.command_id = commands.command_id AND known.actor <> 'anonymous'
    """)
