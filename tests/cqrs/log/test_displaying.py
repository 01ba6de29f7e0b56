"""Operators see every field of an event, except what is personal."""

from uuid import UUID

from app.cqrs.log.displaying import displayed, unreadable
from app.cqrs.log.events import UnknownEvent, UnreadableEvent
from app.cqrs.messages import Event

ID = UUID(int=7)


class GuestSeated(Event):
    personal_fields = ("name",)

    guest_id: UUID
    name: str
    tables: tuple[int, ...]


class GuestLeft(Event):
    name: str


def test_a_personal_field_is_named_and_its_value_left_out() -> None:
    assert displayed(GuestSeated(guest_id=ID, name="Ada", tables=(1, 2))) == [
        ("guest_id", f'"{ID}"'),
        ("name", None),
        ("tables", "[1,2]"),
    ]


def test_of_an_event_that_does_not_say_what_is_personal_no_value_is_shown() -> None:
    assert displayed(GuestLeft(name="Ada")) == [("name", None)]


def test_of_an_event_that_can_not_be_read_only_the_reason_is_shown() -> None:
    unknown = UnknownEvent(data='{"name": "Ada"}')
    broken = UnreadableEvent(of=GuestSeated, reason="Expected `str`, got `int` at `$.name`")
    assert displayed(unknown) == displayed(broken) == ()
    assert "does not know the type" in str(unreadable(unknown))
    assert unreadable(broken) == "The event can't be read: Expected `str`, got `int` at `$.name`."
    assert unreadable(GuestLeft(name="Ada")) is None
