"""Why a stored event can't be read: what is wrong and where, and never with which value."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import pytest

from app.cqrs.log.events import EventTypes, UnreadableEvent
from app.cqrs.messages import Event

STREET = "Rua da Alegria 27"


class Size(Enum):
    SMALL = "small"


@dataclass(frozen=True, kw_only=True)
class Place:
    street: str

    def __post_init__(self) -> None:
        if self.street == STREET:
            raise ValueError(f"{self.street} - at `the end` of the world")


class ParcelSent(Event):
    size: Size = Size.SMALL
    place: Place | None = None
    id: UUID | None = None
    weight: Decimal | None = None
    at: datetime | None = None
    lines: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (f'{{"size": "{STREET}"}}', "Invalid enum value at `$.size`"),
        ('{"size": "it\'s - at `home`"}', "Invalid enum value at `$.size`"),
        (f'{{"place": {{"street": "{STREET}"}}}}', "a value is refused with ValueError"),
        ('{"place": {"street": 27}}', "Expected `str`, got `int` at `$.place.street`"),
        (f'{{"id": "{STREET}"}}', "Invalid UUID at `$.id`"),
        (f'{{"weight": "{STREET}"}}', "Invalid decimal string at `$.weight`"),
        (f'{{"at": "{STREET}"}}', "Invalid RFC3339 encoded datetime at `$.at`"),
        (f'{{"lines": [1, "{STREET}"]}}', "Expected `int`, got `str` at `$.lines[1]`"),
        (f'{{"size": "{STREET[:4]}', "Input data was truncated"),
        (f'"{STREET}"', "Expected `object`, got `str`"),
        (f'{{"size": "small" "{STREET}"}}', "JSON is malformed: expected"),
    ],
)
def test_an_event_that_can_not_be_read_says_why_without_its_data(data: str, reason: str) -> None:
    types = EventTypes()
    types.add(ParcelSent)
    read = types.read("ParcelSent", 1, data)
    assert isinstance(read, UnreadableEvent)
    assert read.reason == reason
