"""On PostgreSQL, a trigger notifies listeners of each commit that has events; SQLite has no notifications."""

from alembic import op

from app.stores.sql.engines.postgres_notifications import CHANNEL

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the trigger."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"""
        CREATE FUNCTION tell_of_events() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_notify('{CHANNEL}', ''); RETURN NULL; END $$
    """)
    op.execute("""
        CREATE TRIGGER tell_of_events AFTER UPDATE ON log_head
        FOR EACH STATEMENT EXECUTE FUNCTION tell_of_events()
    """)
