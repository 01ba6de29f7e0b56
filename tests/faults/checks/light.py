"""A quick look at the write store of a service that runs, so that a loss is found near its cause."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import NullPool, func, select
from sqlalchemy.ext.asyncio import create_async_engine

from app.cqrs.commands.outcomes import Receipt
from app.stores.sql.transactions import commands, events
from tests.faults.findings import Finding, lost, wrong
from tests.faults.journal import Entry


async def check_lightly(write_store: str, acknowledged: Sequence[Entry]) -> list[Finding]:
    """Whether these commands are marked with the events that were acknowledged, and the log has no gap."""
    findings = []
    engine = create_async_engine(write_store, poolclass=NullPool)
    async with engine.connect() as connection:
        for start in range(0, len(acknowledged), 500):
            some = acknowledged[start : start + 500]
            ids = [entry.id for entry in some]
            wanted = select(commands.c.command_id, commands.c.receipt).where(commands.c.command_id.in_(ids))
            marks = {row.command_id: row.receipt for row in await connection.execute(wanted)}
            for entry in some:
                if entry.id not in marks:
                    findings.append(lost(f"{entry.mutation} {entry.id} was acknowledged, and is not there"))
                    continue
                receipt = msgspec.json.decode(marks[entry.id], type=Receipt)
                promised = [event["eventId"] for event in entry.receipts[0]["events"]]
                if [str(mark.event_id) for mark in receipt.events] != promised:
                    findings.append(wrong(f"{entry.mutation} {entry.id} has another receipt now: {receipt}"))
        numbers = select(func.count(), func.coalesce(func.max(events.c.position), 0)).select_from(events)
        count, newest = (await connection.execute(numbers)).one()
        if count != newest:
            findings.append(wrong(f"the log has {count} events up to {newest}"))
    await engine.dispose()
    return findings
