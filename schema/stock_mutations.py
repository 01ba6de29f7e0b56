"""Mutations of the stock."""

from app.domain.stock import refusals
from app.domain.stock.commands import AdjustStock, ReceiveStock
from app.domain.stock.rules import RULES
from schema.catalog import PRODUCT_LISTS, Product
from schema.circle.commands.mutations import mutations
from schema.circle.parts import Part

PART = Part(
    mutation=mutations(Product, ReceiveStock, AdjustStock, rules=RULES, lists=PRODUCT_LISTS),
    refusals=refusals,
)
