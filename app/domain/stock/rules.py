"""Senders of the commands of the stock."""

from app.cqrs.commands.rules import Rules, only
from app.cqrs.viewers import Sight
from app.domain.stock.commands import AdjustStock, ReceiveStock

RULES: Rules = {
    ReceiveStock: only(Sight.STAFF),
    AdjustStock: only(Sight.STAFF),
}
