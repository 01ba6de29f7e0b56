from collections.abc import Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as some

from app.stores.nats.events.order import Order
from app.stores.nats.events.wire import WireEvent


def event(position: int, *, log: int = 0) -> WireEvent:
    """The event at a position of one of several logs, which have no event in common."""
    after = UUID(int=1_000 * log + position - 1) if position > 1 else None
    return WireEvent(position=position, event_id=UUID(int=1_000 * log + position), after=after, stored=None)


def positions(order: Order, most: int = 500) -> Sequence[Sequence[int]]:
    return [[each.position for each in chain] for chain in order.take(most)]


def test_events_in_order_are_one_chain() -> None:
    order = Order()
    for position in (5, 6, 7):
        order.add(event(position))
    assert positions(order) == [[5, 6, 7]]
    assert positions(order) == []
    order.add(event(8))
    assert positions(order) == [[8]]


def test_a_chain_has_at_most_as_many_events_as_the_relay_takes() -> None:
    order = Order()
    for position in range(1, 8):
        order.add(event(position))
    assert positions(order, 3) == [[1, 2, 3], [4, 5, 6], [7]]


def test_an_early_event_is_held_back_for_those_before_it() -> None:
    order = Order()
    order.add(event(1))
    order.add(event(4))
    order.add(event(3))
    assert positions(order) == [[1]]
    assert order.holds
    order.add(event(2))
    assert positions(order) == [[2, 3, 4]]
    assert not order.holds


def test_an_early_event_is_passed_on_if_those_before_it_do_not_come() -> None:
    order = Order()
    order.add(event(1))
    order.add(event(3))
    order.give_up()
    assert positions(order) == [[1], [3]]
    order.add(event(4))
    assert positions(order) == [[4]]


def test_the_events_of_a_log_that_was_set_back_are_passed_on_at_once() -> None:
    order = Order()
    for position in range(1, 10):
        order.add(event(position))
    order.take(500)
    order.add(event(4, log=1))
    order.add(event(5, log=1))
    assert positions(order) == [[4, 5]]


@given(some.data())
def test_two_publishers_cause_neither_a_gap_nor_a_repeat(data: some.DataObject) -> None:
    """Each of them publishes all events in order, and nobody knows how they mix."""
    ours = data.draw(some.lists(some.booleans(), min_size=40, max_size=40))
    next_of = {True: 1, False: data.draw(some.integers(1, 10))}
    order, found = Order(), list[int]()
    order.add(event(1))
    for which in ours:
        order.add(event(next_of[which]))
        next_of[which] += 1
        found += [position for chain in positions(order) for position in chain]
    for position in range(next_of[True], 60):
        order.add(event(position))
    found += [position for chain in positions(order) for position in chain]
    assert found == [*range(1, 60)]
