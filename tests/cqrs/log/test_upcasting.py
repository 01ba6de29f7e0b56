"""Events in the shapes that they were stored in, read in the shapes of today."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.log.events import EventTypes, EventUnreadable, RecordedEvent, SplitEvent, UnreadableEvent
from app.cqrs.log.upcasting import Data, Upcasters
from app.cqrs.messages import Event
from tests.cqrs.notes import recorded


class GuestSeated(Event):
    """Was `GuestArrived`; its `table` was a text, and there was no `party`."""

    schema_version = 3

    table: int
    party: int


class GuestLeft(Event):
    table: int


class BillPaid(Event):
    table: int
    tip: int


@pytest.fixture
def upcasters() -> Upcasters:
    upcasters = Upcasters()

    @upcasters.step(("GuestArrived", 1), ("GuestSeated", 1))
    def renamed(data: Data) -> Data:
        return data

    @upcasters.step(("GuestSeated", 1), ("GuestSeated", 2))
    def with_a_number(data: Data) -> Data:
        return {"table": int(data["table"])}

    @upcasters.step(("GuestSeated", 2), ("GuestSeated", 3))
    def with_a_party(data: Data) -> Data:
        return {**data, "party": 1}

    @upcasters.step(("GuestGone", 1), ("BillPaid", 1), ("GuestLeft", 1))
    def split(data: Data) -> tuple[Data | None, Data]:
        paid = {"table": data["table"], "tip": data["tip"]} if data["tip"] is not None else None
        return paid, {"table": data["table"]}

    return upcasters


@pytest.fixture
def types(upcasters: Upcasters) -> EventTypes:
    types = EventTypes()
    types.add(GuestSeated, GuestLeft, BillPaid)
    types.upcasters.add(upcasters)
    assert list(types.problems()) == []
    return types


@pytest.mark.parametrize(
    ("name", "version", "data"),
    [
        ("GuestArrived", 1, '{"table":"4"}'),
        ("GuestSeated", 1, '{"table":"4"}'),
        ("GuestSeated", 2, '{"table":4}'),
        ("GuestSeated", 3, '{"table":4,"party":1}'),
    ],
)
def test_reads_every_shape_that_was_ever_stored(
    types: EventTypes, name: str, version: int, data: str
) -> None:
    event = types.read(name, version, data)
    assert event == GuestSeated(table=4, party=1)
    assert types.name(event, name) == "GuestSeated"


def test_an_event_that_was_split_is_read_as_its_parts(types: EventTypes) -> None:
    event = types.read("GuestGone", 1, '{"table":4,"tip":2}')
    assert event == SplitEvent(events=(BillPaid(table=4, tip=2), GuestLeft(table=4)))
    assert types.name(event, "GuestGone") == "GuestGone"


def test_the_parts_that_did_not_happen_are_left_out(types: EventTypes) -> None:
    assert types.read("GuestGone", 1, '{"table":4,"tip":null}') == GuestLeft(table=4)


def test_each_part_is_an_event_of_its_own_at_the_same_position() -> None:
    paid, left = BillPaid(table=4, tip=2), GuestLeft(table=4)
    whole = replace(recorded(7, SplitEvent(events=(paid, left))), type="GuestGone")
    first, second = whole.parts
    assert (first.event, first.type, first.event_id) == (paid, "BillPaid", whole.event_id)
    assert (second.event, second.type, second.position) == (left, "GuestLeft", 7)
    assert second.event_id not in {whole.event_id, recorded(7, left).event_id}
    assert whole.parts[1].event_id == second.event_id
    assert recorded(7, left).parts == (recorded(7, left),)


@pytest.mark.parametrize(
    ("name", "version", "data", "reason"),
    [
        ("GuestSeated", 1, '{"table":"four"}', "the upcaster of GuestSeated in version 1 raises ValueError"),
        ("GuestSeated", 2, '{"table":"four"}', "Expected `int`, got `str`"),
        ("GuestSeated", 1, '{"table"', "Input data was truncated"),
        ("GuestSeated", 0, "{}", "no upcaster reads version 0"),
        ("GuestSeated", 4, "{}", "version 4 is newer than this program"),
    ],
)
def test_what_can_not_be_read_says_why_and_quotes_nothing(
    types: EventTypes, name: str, version: int, data: str, reason: str
) -> None:
    event = types.read(name, version, data)
    assert isinstance(event, UnreadableEvent)
    assert reason in event.reason
    assert "four" not in event.reason
    assert event.of is GuestSeated


def test_what_can_not_be_read_and_might_be_anything_stops_every_read_model(types: EventTypes) -> None:
    event = types.read("GuestGone", 1, '{"tip":2}')
    model = ReadModel("bills")

    @model.on(BillPaid)
    def paid(event: BillPaid, _at: RecordedEvent) -> Iterator[Change]:
        yield from ()

    with pytest.raises(EventUnreadable, match="the upcaster of GuestGone in version 1 raises KeyError"):
        model.changes(recorded(1, event))


def test_another_upcaster_is_another_generation(types: EventTypes) -> None:
    def generation(types: EventTypes) -> str:
        model = ReadModel("bills")
        model.on(BillPaid)(_nothing)
        model.learn(types)
        return model.fingerprint

    without = EventTypes()
    without.add(*types)
    other = EventTypes()
    other.add(*types)
    other.upcasters.step(("GuestArrived", 1), ("GuestSeated", 1))(lambda data: data)
    assert generation(types) != generation(without)
    assert generation(other) == generation(without), "of other events it does not depend"


def _nothing(event: BillPaid, _at: RecordedEvent) -> Iterator[Change]:
    yield from ()


def test_two_upcasters_of_one_shape_are_refused(upcasters: Upcasters) -> None:
    with pytest.raises(ValueError, match="GuestSeated in version 1 has two upcasters"):
        upcasters.step(("GuestSeated", 1), ("GuestSeated", 2))(lambda data: data)


def test_says_which_shape_has_no_upcaster() -> None:
    types = EventTypes()
    types.add(GuestSeated)
    assert list(types.problems()) == [
        f"No upcaster reads GuestSeated in version {version}, and GuestSeated is at version 3: "
        "add one to the upcasters in tests.cqrs.log.test_upcasting."
        for version in (1, 2)
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (("GuestLeft", 1), ("GuestLeft", 2), "GuestLeft in version 1 is not an earlier shape"),
        (("GuestOut", 1), ("GuestLeft", 2), "leads to GuestLeft in version 2, which nothing reads"),
        (("GuestOut", 1), ("GuestOut", 1), "The upcasters of GuestOut in version 1 lead back to it."),
    ],
)
def test_says_which_upcaster_leads_nowhere(old: tuple[str, int], new: tuple[str, int], problem: str) -> None:
    types = EventTypes()
    types.add(GuestLeft)
    types.upcasters.step(old, new)(lambda data: data)
    assert problem in "\n".join(types.problems())
