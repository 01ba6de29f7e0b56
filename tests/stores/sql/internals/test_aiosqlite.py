"""What is used of aiosqlite's private names: the release that fails here has changed them."""

import sqlite3
from pathlib import Path
from threading import Thread, current_thread

import pytest

from app.stores.sql.internals.aiosqlite import OpenConnection
from tests.releases import still_there

HOME = "app/stores/sql/internals/aiosqlite.py"


async def test_a_connection_gives_its_thread_and_what_is_open_in_it(tmp_path: Path) -> None:
    worked_in: list[Thread] = []
    file = sqlite3.connect(tmp_path / "teas.db", check_same_thread=False)
    connection = OpenConnection(lambda: file, iter_chunk_size=64)
    async with connection:
        with still_there("aiosqlite", HOME):
            assert connection.opened is file, "the private connection is not what sqlite3 has opened"
            await connection.in_thread(lambda thread: worked_in.append(thread()), current_thread)
            assert worked_in == [connection.thread], "the private thread executes no statements"


async def test_a_closed_connection_says_so_in_the_words_that_sqlalchemy_knows(tmp_path: Path) -> None:
    connection = OpenConnection(lambda: sqlite3.connect(tmp_path / "teas.db"), iter_chunk_size=64)
    async with connection:
        pass
    with still_there("aiosqlite", HOME):
        with pytest.raises(ValueError, match=r"(?i)^no active connection$"):
            _ = connection.opened
        with pytest.raises(ValueError, match=r"(?i)^connection closed$"):
            await connection.in_thread(print)
