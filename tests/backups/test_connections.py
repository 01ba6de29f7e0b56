"""A restore into PostgreSQL waits for connections of a program that has just ended."""

import asyncio
from pathlib import Path
from time import sleep

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.backups.restoring import restore
from app.backups.taking import back_up
from app.config import Settings
from app.halves.commanding import open_write_side
from app.stores.sql.backups import restoring
from app.stores.sql.engines.opening import parsed
from app.stores.sql.failures import UnfitStore


@pytest.fixture
async def settings(tmp_path: Path, postgres_url: str, mongo_url: str) -> Settings:
    settings = Settings(
        data_dir=tmp_path,
        database_url=postgres_url,
        mongodb_url=mongo_url,
        mongodb_database=f"connections_{tmp_path.name[-20:]}",
    )
    async with open_write_side(settings):
        await back_up(settings, tmp_path / "backup", documents=False)
    return settings


@pytest.fixture
def program(settings: Settings) -> AsyncEngine:
    url, database = parsed(settings.write_store)
    return database.reading(url)


async def test_a_connection_that_ends_while_a_restore_looks_does_not_refuse_it(
    settings: Settings, program: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, connected = asyncio.get_running_loop(), await program.connect()
    await connected.execute(text("SELECT 1"))
    looks = 0

    def ends_after_the_first_look(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            loop.create_task(connected.invalidate())
        sleep(seconds)

    monkeypatch.setattr(restoring, "sleep", ends_after_the_first_look)
    try:
        await restore(settings, tmp_path / "backup", overwrite=True)
    finally:
        await program.dispose()
    assert looks


async def test_a_program_that_stays_connected_refuses_a_restore(
    settings: Settings, program: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "DISCONNECTING", 0.2)
    try:
        async with program.connect() as connected:
            await connected.execute(text("SELECT 1"))
            with pytest.raises(UnfitStore, match="1 connections of Diptych to it are open"):
                await restore(settings, tmp_path / "backup", overwrite=True)
    finally:
        await program.dispose()
