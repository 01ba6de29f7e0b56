"""What libraries log of exceptions is written without what these quote."""

import asyncio
import gc
import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from io import StringIO
from typing import Any
from uuid import UUID

import pytest

from app.server.logs import FORMATTERS, OutlineFormatter

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


@pytest.fixture
def lines(log: StringIO) -> Callable[[], list[dict[str, Any]]]:
    """The log in JSON: a function that reads its lines."""
    [handler] = [each for each in logging.getLogger().handlers if getattr(each, "stream", None) is log]
    handler.setFormatter(FORMATTERS["json"]())
    return lambda: [json.loads(line) for line in log.getvalue().splitlines()]


WARN = """
import logging
from app.server.logs import log_to_stderr
log_to_stderr("auto")
logging.getLogger("app").warning("It is at position=%d", 7)
"""


def test_people_at_a_terminal_read_text_and_programs_read_json() -> None:
    piped = subprocess.run((sys.executable, "-c", WARN), stderr=subprocess.PIPE, check=True).stderr
    assert json.loads(piped)["position"] == 7
    terminal, its_other_end = pty.openpty()
    subprocess.run((sys.executable, "-c", WARN), stderr=its_other_end, check=True)
    assert os.read(terminal, 1000) == b"WARNING app: It is at position=7\r\n"
    os.close(its_other_end)
    os.close(terminal)


LEVELS = """
import logging, sys
from app.server.logs import log_to_stderr
log_to_stderr("text", sys.argv[1])
for name in ("app.stores", "schema", "pymongo"):
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(name), level)("%s", level)
"""


@pytest.mark.parametrize(
    ("level", "own", "others"),
    [
        ("info", ["info", "warning", "error"], ["warning", "error"]),
        ("warning", ["warning", "error"], ["warning", "error"]),
        ("error", ["error"], ["error"]),
    ],
)
def test_only_this_programs_own_lines_are_below_warnings(
    level: str, own: list[str], others: list[str]
) -> None:
    program = (sys.executable, "-c", LEVELS, level)
    lines = subprocess.run(program, stderr=subprocess.PIPE, check=True, text=True).stderr.splitlines()
    said = {
        name: [line.rpartition(": ")[2] for line in lines if f" {name}: " in line]
        for name in ("app.stores", "schema", "pymongo")
    }
    assert said == {"app.stores": own, "schema": own, "pymongo": others}


def test_a_line_of_json_has_the_values_of_its_text_as_fields(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    id = UUID(int=7)
    logging.getLogger("app.somewhere").warning(
        "100%% of it\nhas failed, %s: read_model=%s position=%d seconds=%.1f event_id=%s level=%s",
        *("too", "activity", 3, 0.25, id, "none"),
    )
    [line] = lines()
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line == {
        "level": "WARNING",
        "logger": "app.somewhere",
        "message": "100% of it\nhas failed, too: "
        f"read_model=activity position=3 seconds=0.2 event_id={id} level=none",
        "process": os.getpid(),
        "read_model": "activity",
        "position": 3,
        "seconds": 0.25,
        "event_id": str(id),
    }


async def test_no_line_of_json_quotes_an_exception(lines: Callable[[], list[dict[str, Any]]]) -> None:
    async def fails_unheard() -> None:
        fails()

    await asyncio.wait([asyncio.create_task(fails_unheard())])
    gc.collect()
    try:
        fails()
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    unheard, logged = lines()
    assert unheard["message"] == "Task exception was never retrieved"
    for line in (unheard, logged):
        assert line["exception"].startswith("ValueError (at ")
        assert STREET not in str(line)
