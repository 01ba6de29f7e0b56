"""The choice of the node of a replica set that a process reads from, as a setting says it."""

from dataclasses import dataclass
from typing import Self

from app.stores.mongo.reads.primary import Address

PRIMARY, NEAREST = "primary", "nearest"


@dataclass(frozen=True)
class Choice:
    """The node that a process is to read from."""

    where: str
    """`primary`, `nearest`, or HOST:PORT."""
    address: Address | None = None
    """The node; `None` if it is not named."""

    @classmethod
    def of(cls, where: str) -> Self:
        """Return the choice that a setting says."""
        if where in (PRIMARY, NEAREST):
            return cls(where)
        host, _, port = where.rpartition(":")
        return cls(where, (host.strip("[]").lower(), int(port)))


def named(address: Address) -> str:
    """Return an address as HOST:PORT."""
    host, port = address
    return host if port is None else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
