"""On PostgreSQL, a trigger notifies listeners of the id of each accepted command that has no events.

All other commands are in the log.
"""

from alembic import op

from app.stores.sql.engines.postgres_notifications import CHANNEL

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the trigger."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"""
        CREATE FUNCTION tell_of_command() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_notify('{CHANNEL}', NEW.command_id::text); RETURN NULL; END $$
    """)
    op.execute("""
        CREATE TRIGGER tell_of_command AFTER INSERT ON commands FOR EACH ROW
        WHEN (NEW.receipt LIKE '%"events":[]%') EXECUTE FUNCTION tell_of_command()
    """)
