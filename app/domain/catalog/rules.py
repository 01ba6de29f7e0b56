"""Senders of the commands of the catalog."""

from app.cqrs.commands.rules import Rules, only
from app.cqrs.viewers import Sight
from app.domain.catalog.commands import AddProduct, ChangePrice, DiscontinueProduct, UpdateProduct

RULES: Rules = {
    AddProduct: only(Sight.STAFF),
    UpdateProduct: only(Sight.STAFF),
    ChangePrice: only(Sight.STAFF),
    DiscontinueProduct: only(Sight.STAFF),
}
