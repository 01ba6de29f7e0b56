"""The screen and the lines say who runs, who holds a lease, and who is how far behind the log."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rich.console import Console

from tests.cluster.screen import line, screen
from tests.cluster.standing import Lease, One, Standing

NOW = datetime.now(UTC)
STANDING = Standing(
    url="http://127.0.0.1:8000",
    members=[
        One(name="mongod-1", pid=11, state="running", address="127.0.0.1:1", starts=1),
        One(
            name="query-1",
            pid=12,
            state="running",
            address="127.0.0.1:2",
            starts=1,
            ready="ready",
            reads_from="mongod-1",
            positions={"ACTIVITY": 40, "SALES": 37},
        ),
        One(
            name="projector-1",
            pid=None,
            state="ended with -9",
            address="127.0.0.1:3",
            starts=4,
            ready="does not respond",
        ),
    ],
    leases=[
        Lease("sales_1", "projector-1", NOW + timedelta(days=1)),
        Lease("activity_1", "projector-2", NOW - timedelta(days=1)),
    ],
    head=40,
    streams={"diptych-events": 39},
    primary="mongod-1",
)


def shown(width: int = 120) -> str:
    console = Console(width=width, no_color=True)
    with console.capture() as captured:
        console.print(screen(STANDING, ["12:00:00 projector-1 ended with -9"]))
    return captured.get()


def test_the_screen_shows_each_process_and_how_far_each_read_model_is_in_it() -> None:
    rows = {text.split()[0]: text.split() for text in shown().splitlines() if text.strip()}
    assert rows["mongod-1"] == ["mongod-1", "11", "running", "127.0.0.1:1", "1", "primary"]
    assert rows["query-1"][-2:] == ["ready", "mongod-1"]
    assert rows["projector-1"][:5] == ["projector-1", "-", "ended", "with", "-9"]
    assert rows["ACTIVITY"] == ["ACTIVITY", "40"]
    assert rows["SALES"] == ["SALES", "37", "(−3)"]
    assert "projector-1 sales_1; nobody activity_1" in shown()
    assert "diptych-events up to 39" in shown()
    assert "12:00:00 projector-1 ended with -9" in shown()


def test_leases_that_one_process_holds_are_counted() -> None:
    leases = [Lease(name, "projector-1", NOW + timedelta(days=1)) for name in "ab"]
    assert "leases: all 2 held by projector-1;" in line(replace(STANDING, leases=leases))


def test_the_screen_fits_into_eighty_columns() -> None:
    assert max(map(len, shown(80).splitlines())) <= 80


def test_a_line_says_the_same() -> None:
    assert line(STANDING) == (
        "head 40; 2 of 3 processes run; primary mongod-1; leases: projector-1 sales_1; nobody activity_1; "
        "streams: diptych-events up to 39; query-1 3 behind"
    )
