"""The contexts of the write side."""

from app.domain.catalog.context import catalog
from app.domain.customers.context import customers
from app.domain.orders.context import orders
from app.domain.stock.context import stock

CONTEXTS = (
    catalog,
    stock,
    customers,
    orders,
)
