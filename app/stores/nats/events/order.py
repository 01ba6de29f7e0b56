"""The order of events that arrive: repeats are dropped, and early ones held back for those before them."""

from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

from app.stores.nats.events.wire import WireEvent

REMEMBERED = 4_096
"""Newest events by which repeats are recognised: two publishers send the same ones."""

MOST_HELD = 2_000
"""Events that are held back; with more, those that are missing are given up."""


class Order:
    """The events that have arrived since they were taken last, if possible in the order of the log.

    Two processes that publish at once make events arrive twice, and in an order of their own. An event that
    comes too early is held back until those before it have come, or until `give_up`.
    """

    def __init__(self) -> None:
        self._ready: list[WireEvent] = []
        self._held: dict[int, WireEvent] = {}
        self._newest: WireEvent | None = None
        self._seen: OrderedDict[int, UUID] = OrderedDict()

    @property
    def holds(self) -> bool:
        """True if events are held back."""
        return bool(self._held)

    def add(self, event: WireEvent) -> None:
        """Add an event that has arrived."""
        newest = self._newest
        if self._seen.get(event.position) == event.event_id or event == self._held.get(event.position):
            return
        if newest is not None and event.position > newest.position + 1:
            self._held[event.position] = event
            if len(self._held) > MOST_HELD:
                self.give_up()
            return
        # The next one, or one of a log that was set back: the relay compares it with its own.
        self._pass(event)
        while (next_one := self._held.get(event.position + 1)) and next_one.after == event.event_id:
            event = self._held.pop(next_one.position)
            self._pass(event)

    def give_up(self) -> None:
        """Pass on what is held back, although events before it are missing."""
        held, self._held = self._held, {}
        for position in sorted(held):
            self._pass(held[position])

    def begin_anew(self) -> None:
        """Forget all events, because any number of them may have been missed."""
        self._held.clear()
        self._seen.clear()
        self._newest = None

    def take(self, most: int) -> Sequence[Sequence[WireEvent]]:
        """Return the events that are ready, in chains of consecutive ones with at most `most` each."""
        chains: list[list[WireEvent]] = []
        for event in self._ready:
            chain = chains[-1] if chains else []
            if chain and chain[-1].event_id == event.after and len(chain) < most:
                chain.append(event)
            else:
                chains.append([event])
        self._ready = []
        return chains

    def _pass(self, event: WireEvent) -> None:
        self._ready.append(event)
        self._newest = event
        self._seen[event.position] = event.event_id
        self._seen.move_to_end(event.position)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
