"""The announcements of projectors, in the form in which they travel between processes."""

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.progress import ReadModelState

Row = tuple[str, str, str, int, str, tuple[str, ...], str | None, bool, bool]
"""A notice as the values of its fields, in their order."""

_FIELDS = tuple(DocumentChanged.__dataclass_fields__)
_row_of = attrgetter(*_FIELDS)


class Told(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=True):
    """An announcement about the documents of one read model."""

    documents: str
    """The key of their generation."""
    number: int
    """The number among the announcements of one teller about one read model, from 1 without gaps."""


class Began(Told, frozen=True):
    """The documents are complete up to a position, and nobody is changing them."""

    position: int
    kept: int
    """The number among the announcements of this teller about this read model that are kept, from 1."""
    gapless: bool
    """True if this teller has told all changes up to there."""
    log_set_back: bool


class Changing(Told, frozen=True):
    """The documents may show the events after one position, up to another one, from now on."""

    since: int
    position: int
    affected: Sequence[Sequence[str] | None]
    """For each change by a filter, the ids of the documents that it may affect, or `None` if unknown."""


class Refused(Told, frozen=True):
    """The documents show nothing of the last `Changing`."""


class Changed(Told, frozen=True):
    """The documents show all events up to a position, which have caused these notices."""

    since: int
    position: int
    kept: int
    notices: Sequence[Row]
    more: bool = False
    """True if further notices of the same transaction follow, which are too many for one message."""


class Unchanged(Told, frozen=True):
    """No further event up to a position changes a document."""

    position: int


class Stands(Told, frozen=True):
    """The state in which the read model is."""

    position: int
    state: ReadModelState
    doubted: bool
    reason: str | None
    skipped: int


class Beats(Stands, frozen=True):
    """A sign of life of the teller, with the numbers of its last announcements about these documents."""

    kept: int


Announcement = Began | Changing | Refused | Changed | Unchanged | Stands | Beats


class Packet(msgspec.Struct, frozen=True, array_like=True):
    """The announcements of one process at one moment, in their order."""

    teller: str
    """The name of the process, another one after each start."""
    told: Sequence[Announcement]


_encoder, _decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Packet)


def rows_of(notices: Sequence[DocumentChanged]) -> Sequence[Row]:
    """Return notices as they travel."""
    return [_row_of(notice) for notice in notices]


def notices_in(rows: Sequence[Row]) -> Sequence[DocumentChanged]:
    """Return the notices that travelled."""
    return [DocumentChanged(**dict(zip(_FIELDS, row, strict=True))) for row in rows]  # type: ignore[arg-type]


def encoded(packet: Packet) -> bytes:
    """Return a packet as bytes."""
    return _encoder.encode(packet)


def decoded(message: bytes) -> Packet:
    """Return the packet in `message`; raise `msgspec.MsgspecError` if another version has written it."""
    return _decoder.decode(message)
