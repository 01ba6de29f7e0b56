"""The command that checks whether all parts of the program are connected."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from app.command_line.terminal import FAILED, console, stop


def check() -> None:
    """Report contexts, read models, migrations and parts of the schema that exist but are not connected.

    `serve` refuses to start for the same reasons. The check needs no store and changes none.
    """
    from app.completeness import problems
    from app.cqrs.unavailable import WriteStoreUnavailable
    from app.stores.sql.engines.opening import open_database

    async def migrated() -> str | None:
        with TemporaryDirectory() as folder:
            try:
                async with open_database(Path(folder) / "write.db"):
                    return None
            except WriteStoreUnavailable as error:
                return str(error)

    found = [*problems(), *filter(None, [asyncio.run(migrated())])]
    if found:
        stop("\n".join(found), FAILED)
    console.print("Every context, read model, migration and part of the schema is connected.")
