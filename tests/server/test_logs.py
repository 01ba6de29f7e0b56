"""What libraries log of exceptions is written without what these quote."""

import asyncio
import gc
import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from app.server.logs import OutlineFormatter

STREET = "Rua da Alegria 27"


@pytest.fixture
def log() -> Iterator[StringIO]:
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(OutlineFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield written
    finally:
        logging.getLogger().removeHandler(handler)


def fails() -> None:
    raise ValueError(STREET)


def test_an_exception_is_a_line_that_says_where_it_came_from(log: StringIO) -> None:
    try:
        fails()
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    first, second = log.getvalue().splitlines()
    assert first == "ERROR uvicorn.error: Exception in ASGI application"
    assert second.startswith("ValueError (at ")
    assert second.endswith(" fails)")
    assert STREET not in log.getvalue()


async def test_what_a_forgotten_task_has_raised_is_not_quoted(log: StringIO) -> None:
    async def fails_unheard() -> None:
        fails()

    await asyncio.wait([asyncio.create_task(fails_unheard())])
    gc.collect()
    assert log.getvalue().startswith("ERROR asyncio: Task exception was never retrieved\nValueError (at ")
    assert STREET not in log.getvalue()


def test_a_line_without_an_exception_is_as_ever(log: StringIO) -> None:
    logging.getLogger("app").warning("%s is at %d\nand on", "It", 7)
    assert log.getvalue() == "WARNING app: It is at 7\nand on\n"
