"""Alembic's entry: migrates over the connection that the service has opened."""

from alembic import context

from app.domain.contexts import CONTEXTS
from app.stores import write_store
from app.stores.sql import metadata

TABLES = (*(each.tables for each in CONTEXTS), write_store)
"""Modules; to import them puts their tables into the metadata that migrations are compared with."""

# SQLite, too, changes its schema in a transaction, where the driver leaves transactions to us.
context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
