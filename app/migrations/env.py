"""Alembic's entry: migrates over the connection that the service has opened."""

from alembic import context

from app.domain.catalog import tables as catalog
from app.domain.customers import tables as customers
from app.domain.orders import tables as orders
from app.domain.stock import tables as stock
from app.stores import write_store
from app.stores.sql import metadata

TABLES = (catalog, customers, orders, stock, write_store)
"""Naming them here puts their tables into the metadata that migrations are compared with."""

# SQLite, too, changes its schema in a transaction, where the driver leaves transactions to us.
context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
