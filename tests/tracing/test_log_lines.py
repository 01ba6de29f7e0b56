"""Lines of the log name the command and the trace that they are about."""

import asyncio
import json
import logging
from io import StringIO
from typing import Any

import pytest

from app.cqrs.documents.read_model import Change
from app.cqrs.log.events import RecordedEvent
from app.declared import HANDLERS
from app.domain.orders.commands import PayOrder
from app.read_models.order_list import order_list
from app.server.logs import FORMATTERS
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.tracing.callers import Caller, pay


async def test_log_lines_name_their_own_command_and_trace_even_if_commands_share_a_transaction(
    traced: Service, client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = list[dict[str, Any]]()
    handlers: Any = HANDLERS
    handler = handlers[PayOrder]

    async def logging_handler(command: PayOrder, work: Any) -> Any:
        record = logging.LogRecord(
            "app", logging.WARNING, "", 1, "Payment: order=%s", (command.order_id,), None
        )
        lines.append(json.loads(FORMATTERS["json"]().format(record)))
        return await handler(command, work)

    orders, callers = [await shop.order() for _ in range(6)], [Caller.new() for _ in range(6)]
    monkeypatch.setitem(handlers, PayOrder, logging_handler)
    receipts = await asyncio.gather(
        *(pay(client, order, caller.header()) for order, caller in zip(orders, callers, strict=True))
    )
    by_trace = {line["trace_id"]: line for line in lines}
    for caller, receipt in zip(callers, receipts, strict=True):
        line = by_trace[caller.trace]
        assert (line["command"], line["sight"]) == ("PayOrder", "operator")
        assert line["command_id"] == line["correlation_id"] == receipt["commandId"]
        assert line["span_id"] != caller.span


async def test_a_line_about_an_event_that_can_not_be_applied_names_its_command_and_trace(
    traced: Service, client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, healthy, failures = StringIO(), order_list.changes, [ZeroDivisionError()]

    def changes(recorded: RecordedEvent) -> list[Change]:
        if failures and caller.trace in (recorded.trace or ""):
            raise failures.pop()
        return healthy(recorded)

    order, caller = await shop.order(), Caller.new()
    # In one batch with earlier events it would be applied again with them, without a word.
    order_lists = traced.circle.progress["order_list"]
    await order_lists.wait_for(await traced.circle.log.head(), 20)
    handler = logging.StreamHandler(written)
    handler.setFormatter(FORMATTERS["json"]())
    logging.getLogger("app").addHandler(handler)
    try:
        monkeypatch.setattr(order_list, "changes", changes)
        receipt = await pay(client, order, caller.header())
        position = int(receipt["events"][0]["position"])
        await order_lists.wait_for(position, 20)
        logging.getLogger("app").warning("Afterwards.")
    finally:
        logging.getLogger("app").removeHandler(handler)
    retried, afterwards = map(json.loads, written.getvalue().splitlines())
    assert (retried["read_model"], retried["position"]) == ("order_list", position)
    assert retried["command_id"] == retried["correlation_id"] == receipt["commandId"]
    assert retried["trace_id"] == caller.trace
    assert "trace_id" not in afterwards
