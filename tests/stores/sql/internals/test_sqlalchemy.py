"""What is used of SQLAlchemy's private names: the release that fails here has changed them."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.stores.sql.engines.sqlite_connection import AdaptedConnection, Driver, ReadingConnection, Statement
from app.stores.sql.internals.sqlalchemy import ClosedCursor
from tests.releases import still_there

HOME = "app/stores/sql/internals/sqlalchemy.py"


async def test_an_adapter_translates_what_aiosqlite_raises(tmp_path: Path) -> None:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path}/teas.db", module=Driver(ReadingConnection, lambda _: None)
    )
    async with engine.connect() as connection:
        adapted: Any = (await connection.get_raw_connection()).dbapi_connection
        assert isinstance(adapted, AdaptedConnection)
        with still_there("SQLAlchemy", HOME):
            with pytest.raises(sqlite3.OperationalError):
                adapted.fail(ValueError("Connection closed"))
            with pytest.raises(ZeroDivisionError):
                adapted.fail(ZeroDivisionError())
    await engine.dispose()


async def test_a_cursor_is_closed_in_sqlalchemys_own_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Any] = []

    async def close(self: Statement) -> None:
        closed.append(self)

    with still_there("SQLAlchemy", HOME):
        assert "_async_soft_close" in vars(ClosedCursor)
        monkeypatch.setattr(ClosedCursor, "_async_soft_close", close)
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{tmp_path}/teas.db", module=Driver(ReadingConnection, lambda _: None)
        )
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        await engine.dispose()
        assert closed, "a cursor's _async_soft_close is not called: remove it"
