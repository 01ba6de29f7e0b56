"""Events in the form in which the log stores them, which is also the form in which they travel."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

import msgspec


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the log. Its data is neither decoded nor upcast, and is sealed where the log seals it."""

    position: int
    event_id: UUID
    stream: str
    stream_version: int
    type: str
    """The name of the type when the event was stored."""
    schema_version: int
    data: str
    occurred_at: datetime
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID
    actor: str
    person: UUID | None = None
    """The person whose data the event has."""
    sealed: bytes | None = None
    """The personal fields, which then are not in `data`."""
    trace: str | None = None
    """The context of the trace that the event continues; `None` if it was not sampled."""

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return the event in a row, which has an attribute for each field."""
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})
