#!/usr/bin/env bash
# In the eventsourcing library an aggregate that changes a list also changes its events that are not saved yet.
#
# Versions:  eventsourcing 9.5.6
# Guess:     An event has the values that it was triggered with. Events are frozen, so what the aggregate does to its
#            own state later is not seen in them, and replaying them gives the aggregate that was saved.
# Behaviour: The event holds the very list that the aggregate was given and keeps. A second command that appends to it
#            before save() also appends to the first event: it is stored with both items, and replayed the item is
#            there twice. If the aggregate is saved between the commands, all is as guessed.
# Matters:   Two commands in one unit of work are stored wrong, for good, and each alone is right. The aggregate in hand
#            is right as well; only what is read back later is not. Copy what comes in, or pass tuples.
# Seen:
#   saved after each:  stored lines=['tea'], line='milk'             held ['tea', 'milk']  replayed ['tea', 'milk']
#   saved at the end:  stored lines=['tea', 'milk'], line='milk'     held ['tea', 'milk']  replayed ['tea', 'milk', 'milk']
#   list is copied:    stored lines=['tea'], line='milk'             held ['tea', 'milk']  replayed ['tea', 'milk']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check eventsourcing==9.5.6

"$folder/venv/bin/python" - <<'PYTHON'
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event


class Order(Aggregate):
    @event("Placed")
    def __init__(self, lines: list[str]):
        self.lines = lines

    @event("LineAdded")
    def add(self, line: str):
        self.lines.append(line)


class CopyingOrder(Aggregate):
    @event("Placed")
    def __init__(self, lines: list[str]):
        self.lines = [*lines]

    @event("LineAdded")
    def add(self, line: str):
        self.lines.append(line)


def outcome(kind, *, saved_between):
    """Place an order and add a line; return what was stored, what is held, and what is read back."""
    shop = Application()
    order = kind(lines=["tea"])
    if saved_between:
        shop.save(order)
    order.add("milk")
    shop.save(order)
    placed, added = shop.events.get(order.id)
    return f"lines={placed.lines}, line={added.line!r}", order.lines, shop.repository.get(order.id).lines


seen = {}
for name, kind, saved_between in (
    ("saved after each:", Order, True),
    ("saved at the end:", Order, False),
    ("list is copied:", CopyingOrder, False),
):
    stored, held, replayed = seen[name] = outcome(kind, saved_between=saved_between)
    print(f"{name:18} stored {stored:38} held {held}  replayed {replayed}")
right = ("lines=['tea'], line='milk'", ["tea", "milk"], ["tea", "milk"])
wrong = ("lines=['tea', 'milk'], line='milk'", ["tea", "milk"], ["tea", "milk", "milk"])
assert seen == {"saved after each:": right, "saved at the end:": wrong, "list is copied:": right}, seen
PYTHON
