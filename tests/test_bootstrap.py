import asyncio
import logging
from pathlib import Path

import pytest

from app.config import Settings
from app.cqrs.circle import Restarts
from app.halves import documents
from app.halves.documents import keep_running
from app.stores.mongo.embedded.mongod import Mongod

BROKEN = """#!/bin/sh
[ "$1" = --version ] && exec echo "db version v6.0.5"
rm -f mongod*.log
exit 1
"""
"""A mongod that ends at once, and takes the log along that says why."""


async def test_whatever_keeps_mongod_from_starting_does_not_end_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    class Failures(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "FileNotFoundError" in record.getMessage():
                failed.set()

    monkeypatch.setattr(documents.logger, "handlers", [Failures()])
    broken = tmp_path / "mongod"
    broken.write_text(BROKEN)
    broken.chmod(0o755)
    ended = Mongod(url="", process=await asyncio.create_subprocess_exec("true"))
    settings, restarts = Settings(data_dir=tmp_path, mongod_bin=str(broken)), Restarts()
    keeping = asyncio.create_task(keep_running(ended, settings, restarts))
    async with asyncio.timeout(20):
        await asyncio.wait(
            [keeping, waiting := asyncio.create_task(failed.wait())], return_when=asyncio.FIRST_COMPLETED
        )
    assert waiting.done()
    assert not keeping.done()
    assert restarts.mongod
    keeping.cancel()
    await asyncio.wait([keeping])
