"""Migration of the write store's schema to this version of the code; a newer schema is refused."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app.stores.sql.failures import ForkedMigrations, UnfitStore

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class Migrated(Protocol):
    """The parts of a migration that differ between databases."""

    def refuse_if_unfit(self, connection: Connection) -> None:
        """Raise `UnfitStore` if the database's settings would lose or refuse data."""

    def lock_migrations(self, connection: Connection) -> None:
        """Wait, within a transaction, until no other process runs migrations."""

    def refuse_broken_references(self, connection: Connection) -> None:
        """Raise `UnfitStore` if a row refers to a row that does not exist."""


def migrate(connection: Connection, database: Migrated, to: str = "head", *more: Path) -> None:
    """Run the missing migrations in the transaction of `connection`, so that a failure undoes all of them.

    `more` names further folders of migrations. Raise `UnfitStore` if the database is unfit, or if a newer
    version of the code has migrated it. Raise `ForkedMigrations` if the code has several heads.
    """
    config = _config(*more)
    scripts = ScriptDirectory.from_config(config)
    _refuse_if_forked(scripts)
    database.refuse_if_unfit(connection)
    database.lock_migrations(connection)
    config.attributes["connection"] = connection
    before = MigrationContext.configure(connection).get_current_heads()
    _refuse_if_newer(before, scripts)
    command.upgrade(config, to)
    if MigrationContext.configure(connection).get_current_heads() != before:
        database.refuse_broken_references(connection)


def missing_migrations(connection: Connection, database: Migrated) -> Sequence[str]:
    """Return the migrations that the database lacks, oldest first, and run none; raise as `migrate` does."""
    scripts = ScriptDirectory.from_config(_config())
    _refuse_if_forked(scripts)
    database.refuse_if_unfit(connection)
    heads = MigrationContext.configure(connection).get_current_heads()
    _refuse_if_newer(heads, scripts)
    missing = list(scripts.iterate_revisions("heads", heads or "base"))
    return [script.revision for script in reversed(missing)]


def is_known(revision: str) -> bool:
    """Return whether a migration is one of this program's."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return any(script.revision == revision for script in scripts)


def _config(*more: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", _escaped(MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    folders = (MIGRATIONS / "versions", *more)
    config.set_main_option("version_locations", "\n".join(map(_escaped, folders)))
    return config


def _refuse_if_forked(scripts: ScriptDirectory) -> None:
    heads = sorted(scripts.get_heads())
    if len(heads) < 2:
        return
    following = defaultdict[str, list[str]](list)
    for script in scripts.walk_revisions():
        down = script.down_revision or "none"
        for before in (down,) if isinstance(down, str) else down:
            following[before].append(Path(script.path).name)
    forks = [
        f"{' and '.join(sorted(files))} each say that they follow {before}"
        for before, files in sorted(following.items())
        if len(files) > 1
    ]
    raise ForkedMigrations(
        f"Several migrations are the newest one: {', '.join(heads)}. In app/migrations/versions, "
        f"{'; '.join(forks)}.\nIn the file that was added, set `down_revision` to that one of "
        f"{', '.join(heads)} with which the others end. No store was changed."
    )


def _refuse_if_newer(heads: tuple[str, ...], scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if unknown := sorted(set(heads) - known):
        raise UnfitStore(
            f"a newer version of Diptych has migrated it to {', '.join(unknown)}, and this version knows "
            f"migrations up to {max(known)}.\nUpdate Diptych, or choose another store."
        )


def _escaped(folder: Path) -> str:
    return str(folder).replace("%", "%%")
