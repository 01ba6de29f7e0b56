"""Alembic's entry point, which migrates over the connection that the service has opened."""

from alembic import context
from alembic.util import CommandError

from app.domain.contexts import CONTEXTS
from app.stores.sql import transactions
from app.stores.sql.differences import differences, tables_of
from app.stores.sql.engines.opening import metadata
from app.stores.sql.keys import tables
from app.stores.sql.operating import revocations

TABLES = tables_of([*(each.tables for each in CONTEXTS), revocations, tables, transactions])
"""The tables that all migrations together must create."""

connection = context.config.attributes["connection"]
# SQLite, too, changes its schema in a transaction, because this driver begins none by itself.
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
is_at_the_head = context.get_context().get_current_heads() == context.get_head_revisions()
if is_at_the_head and (found := list(differences(connection, TABLES))):
    raise CommandError(
        f"after all migrations its tables are not those of the code: {'; '.join(found)}. Write a migration "
        "in app/migrations/versions, or undo what was changed by hand"
    )
