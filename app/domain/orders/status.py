from enum import Enum


class OrderStatus(Enum):
    """How far an order has come: PLACED → PAID → SHIPPED, or CANCELLED before it is shipped."""

    PLACED = "PLACED"
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"
