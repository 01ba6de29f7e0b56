"""One migration, carried out again: on rows as an older version may have left them."""

import importlib

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection


def upgraded(connection: Connection, migration: str) -> None:
    """Carry out the migration in the module of this name."""
    with Operations.context(MigrationContext.configure(connection)):
        importlib.import_module(f"app.migrations.versions.{migration}").upgrade()
