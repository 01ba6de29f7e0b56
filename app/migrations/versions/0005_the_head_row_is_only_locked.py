"""On PostgreSQL, appending locks the log's head row and no longer updates it.

Each update left a dead version of the row. PostgreSQL can't remove them while a long snapshot is open, such
as that of a dump, and each command had to read all of them. The newest position is now that of the newest
event. The column stays for processes that started before this migration: a trigger updates it for them.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the functions and the trigger."""
    if op.get_context().dialect.name != "postgresql":
        return
    # Each statement of a volatile function sees all earlier commits, also those during the wait for the row.
    op.execute("""
        CREATE FUNCTION hold_log() RETURNS bigint LANGUAGE plpgsql VOLATILE
        AS $$ BEGIN
            PERFORM FROM log_head FOR NO KEY UPDATE;
            PERFORM pg_notify('diptych_events', '');
            RETURN (SELECT coalesce(max(position), 0) FROM events);
        END $$
    """)
    op.execute("""
        CREATE FUNCTION correct_head() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $$ BEGIN
            NEW.position := NEW.position - OLD.position + (SELECT coalesce(max(position), 0) FROM events);
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER correct_head BEFORE UPDATE ON log_head
        FOR EACH ROW EXECUTE FUNCTION correct_head()
    """)
