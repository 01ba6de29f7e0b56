"""Mutations of the stock."""

from app.domain.stock import refusals
from app.domain.stock.commands import AdjustStock, ReceiveStock
from schema.catalog import Product
from schema.circle.commands.mutations import mutations
from schema.circle.parts import Part

PART = Part(mutation=mutations(Product, ReceiveStock, AdjustStock), refusals=refusals)
