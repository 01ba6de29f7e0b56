"""Filling of an empty store with the demo shop, by commands like those of any client."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.outcomes import Receipt, Refused
from app.cqrs.log.events import EventLog
from app.cqrs.viewers import Scope, Sight, Viewer
from app.demo.plan import Known, Shop, Step

DEMO = Viewer(actor="demo", scope=Scope(Sight.STAFF))
"""The sender of the demo shop's commands."""


class DemoRefused(Exception):
    """A refusal of a command of the demo shop; the message says which and why."""


async def fill(shop: Shop, commands: CommandBus, sent: Callable[[], None] = lambda: None) -> None:
    """Send all commands of the shop, and call `sent` after each; commands sent before have no effect.

    Raise `DemoRefused`.
    """
    known = Known()
    for step in shop.plan:
        receipt = await _send(step, known, commands)
        if not known.ids:
            known.opened = _moment_of(receipt.events[0].event_id)
        known.ids[step.name] = UUID(receipt.events[0].stream.partition("-")[2])
        sent()


async def is_wanted(shop: Shop, log: EventLog) -> bool:
    """Return whether the log is empty, or ends with a command of a filling that was interrupted."""
    head = await log.head()
    if not head:
        return True
    [newest] = await log.read(after=head - 1, limit=1)
    return newest.command_id in {step.command_id for step in shop.plan[:-1]}


async def _send(step: Step, known: Known, commands: CommandBus) -> Receipt:
    outcome = await commands.execute(step.command(known), viewer=DEMO, command_id=step.command_id)
    if isinstance(outcome, Refused):
        reasons = " ".join(error.message for error in outcome.errors)
        raise DemoRefused(f"The demo shop can't be filled: {step.name} was refused. {reasons}")
    return outcome


def _moment_of(event_id: UUID) -> datetime:
    # A receipt never changes, and a UUIDv7 begins with the time in milliseconds: a filling that is resumed
    # the next day therefore places the same orders at the same times.
    return datetime.fromtimestamp((event_id.int >> 80) // 1000, UTC)
