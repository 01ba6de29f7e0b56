"""Brings the write store's schema up to what this version of the code wants, or says that it is beyond it."""

from pathlib import Path
from typing import Protocol

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app.stores.sql.failures import UnfitStore

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class Migrated(Protocol):
    """What differs between the databases that are migrated."""

    def refuse_if_unfit(self, connection: Connection) -> None:
        """Raise `UnfitStore` where the database is set up so that it can't keep what it is given."""

    def take_turns(self, connection: Connection) -> None:
        """Wait, in a transaction that has begun, for the migrations of another process."""

    def refuse_broken_references(self, connection: Connection) -> None:
        """Raise `UnfitStore` where rows refer to others that are not there."""


def migrate(connection: Connection, database: Migrated, to: str = "head", *more: Path) -> None:
    """Run the migrations that are missing, in the transaction of `connection`; nothing stays where one fails.

    `more` folders may have migrations, too. Raises `UnfitStore`, also where a newer version migrated it.
    """
    database.refuse_if_unfit(connection)
    database.take_turns(connection)
    config = Config()
    config.set_main_option("script_location", _escaped(MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    folders = (MIGRATIONS / "versions", *more)
    config.set_main_option("version_locations", "\n".join(map(_escaped, folders)))
    config.attributes["connection"] = connection
    before = MigrationContext.configure(connection).get_current_heads()
    _refuse_if_newer(before, ScriptDirectory.from_config(config))
    command.upgrade(config, to)
    if MigrationContext.configure(connection).get_current_heads() != before:
        database.refuse_broken_references(connection)


def _refuse_if_newer(heads: tuple[str, ...], scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if unknown := sorted(set(heads) - known):
        raise UnfitStore(
            f"a newer version of Diptych has migrated it to {', '.join(unknown)}, and this one knows "
            f"migrations up to {max(known)}.\nUpdate Diptych, or choose another store."
        )


def _escaped(folder: Path) -> str:
    return str(folder).replace("%", "%%")
