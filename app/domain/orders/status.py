from enum import Enum


class OrderStatus(Enum):
    """The steps of an order: PLACED → PAID → SHIPPED, or CANCELLED before it is shipped."""

    PLACED = "PLACED"
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"
