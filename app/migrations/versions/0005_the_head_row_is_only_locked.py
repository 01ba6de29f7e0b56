"""On PostgreSQL, the log's head row is only locked: an update left a version of it behind at each commit.

While a long snapshot was open, such as a dump's, none of them could be removed, and each command had to go
through all of them. The newest position is that of the newest event. The column stays for processes that
started before this migration: a trigger tells them where the log ends.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the functions and the trigger."""
    if op.get_context().dialect.name != "postgresql":
        return
    # Each statement of a volatile function sees what was committed before, also while the row was waited for.
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
