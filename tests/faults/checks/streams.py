"""The stream equals the log: the number of each of its messages is a position, and none is missing."""

from typing import Any
from uuid import UUID

import msgspec
import nats

from tests.cluster.members.nats import is_of_events
from tests.faults.checks.books import Books
from tests.faults.findings import Findings, doubled, lost, wrong


class Published(msgspec.Struct):
    """What anybody outside reads in a message."""

    position: int
    event_id: UUID
    after: UUID | None = None
    stored: dict[str, Any] | None = None


class Stream(msgspec.Struct):
    """All messages of a stream, by their sequence numbers."""

    name: str
    first: int
    last: int
    messages: dict[int, bytes]


async def read_stream(url: str) -> Stream:
    """Read the stream of events to its end."""
    client = await nats.connect(url)
    try:
        streams = client.jetstream()
        found = [each for each in await streams.streams_info() if is_of_events(each.config.name or "")]
        if not found:
            return Stream("of events, which is not there,", 1, 0, {})
        [about] = found
        name, state = about.config.name or "", about.state
        messages = {}
        for sequence in range(state.first_seq, state.last_seq + 1):
            message = await streams.get_msg(name, sequence)
            messages[sequence] = message.data or b""
        return Stream(name, state.first_seq, state.last_seq, messages)
    finally:
        await client.close()


def check_stream(stream: Stream, books: Books) -> Findings:
    """What stream and log say against each other."""
    if stream.last != books.head:
        yield lost(f"the stream {stream.name} ends at {stream.last}, and the log at {books.head}")
    if missing := [each for each in range(stream.first, stream.last + 1) if each not in stream.messages]:
        yield lost(f"the stream {stream.name} lacks the messages {missing[:20]}")
    events = {event.position: event for event in books.log}
    ids: set[UUID] = set()
    for sequence, data in sorted(stream.messages.items()):
        found = msgspec.msgpack.decode(data, type=Published)
        if found.event_id in ids:
            yield doubled(f"the event {found.event_id} is in the stream twice, the second time at {sequence}")
        ids.add(found.event_id)
        there = events.get(sequence)
        if there is None or (found.position, found.event_id) != (sequence, there.event_id):
            yield wrong(f"the stream has {found.position} {found.event_id} at {sequence}, the log {there}")
            continue
        yield from _envelope(found, sequence, events)


def _envelope(found: Published, sequence: int, events: dict[int, Any]) -> Findings:
    there, before = events[sequence], events.get(sequence - 1)
    if found.after != (before.event_id if before else None):
        yield wrong(f"the message {sequence} is said to come after {found.after}, and that is not {before}")
    if found.stored is None:
        return  # It is too large for a message, and is read from the log.
    wanted = (there.stream, there.stream_version, there.type)
    has = tuple(found.stored[name] for name in ("stream", "stream_version", "type"))
    if has != wanted:
        yield wrong(f"the message {sequence} is {has}, and the log's event is {wanted}")
