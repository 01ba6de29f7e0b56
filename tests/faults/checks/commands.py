"""Every acknowledged command is there exactly once; any other is there whole or not at all."""

from collections import defaultdict
from uuid import UUID

from app.cqrs.commands.outcomes import Receipt
from app.cqrs.freshness.tokens import Tokens
from app.cqrs.log.events import RecordedEvent
from schema.circle.consistency import subject_of
from tests.faults.checks.books import Books
from tests.faults.findings import Findings, doubled, lost, wrong
from tests.faults.journal import Entry, Journal, JsonObject, Refused, Unknown


def check_commands(journal: Journal, books: Books) -> Findings:
    """What the journal and the write store say against each other."""
    receipts = dict(books.marks)
    for entry in journal.entries.values():
        yield from _entry(entry, receipts.get(entry.id), books.tokens)
    if len(receipts) < len(books.marks):
        yield doubled("a command is marked twice")
    for id in receipts.keys() - journal.entries.keys() - journal.others:
        yield wrong(f"nobody sent the command {id} that is marked")
    yield from _effects(receipts, books)


def _entry(entry: Entry, receipt: Receipt | None, tokens: Tokens) -> Findings:
    what = f"{entry.mutation} {entry.id}"
    if entry.receipts and receipt is None:
        yield lost(f"{what} was acknowledged, and is not in the store")
    for acknowledged in entry.receipts:
        if receipt and acknowledged != _shown(receipt, tokens):
            yield wrong(f"{what} was acknowledged with another receipt than the store's: {acknowledged}")
    for outcome in entry.outcomes:
        if isinstance(outcome, Refused) and "COMMAND_ID_REUSED" in outcome.codes:
            yield wrong(f"{what} was refused because of its own id")
    if receipt and entry.outcomes and not entry.receipts and _ended_refused(entry):
        yield wrong(f"{what} was refused, and took effect")


def _ended_refused(entry: Entry) -> bool:
    """Whether the last that was heard is that it had no effect."""
    if entry.at_once and any(isinstance(outcome, Unknown) for outcome in entry.outcomes):
        return False
    return isinstance(entry.outcomes[-1], Refused)


def _effects(receipts: dict[UUID, Receipt], books: Books) -> Findings:
    effects: defaultdict[UUID, list[RecordedEvent]] = defaultdict(list)
    for event in books.log:
        effects[event.command_id].append(event)
    for id in effects.keys() - receipts.keys():
        yield wrong(f"the command {id} left {len(effects[id])} events and no mark")
    for id, receipt in receipts.items():
        promised = [(m.event_id, m.type, m.stream, m.position) for m in receipt.events]
        happened = [(e.event_id, e.type, e.stream, e.position) for e in effects[id]]
        if missing := [event for event in promised if event not in happened]:
            yield lost(f"of the command {id} these events are not in the log: {missing}")
        if more := [event for event in happened if event not in promised]:
            yield doubled(f"of the command {id} these events are in the log, too: {more}")


def _shown(receipt: Receipt, tokens: Tokens) -> JsonObject:
    """The receipt as GraphQL shows it."""
    return {
        "commandId": str(receipt.command_id),
        "token": tokens.of(receipt.newest) if receipt.newest else None,
        "events": [
            {
                "eventId": str(mark.event_id),
                "type": mark.type,
                "subject": subject_of(mark.stream),
                "position": str(mark.position),
            }
            for mark in receipt.events
        ],
    }
