"""The numbers that a process keeps about its clients, for operators."""

from dataclasses import dataclass, field
from time import monotonic

from app.graphql.measured.reads import Reads
from app.graphql.measured.traffic import Traffic


@dataclass(frozen=True)
class Measured:
    """The reads, sockets and subscribers of a service since it began."""

    reads: Reads = field(default_factory=Reads)
    traffic: Traffic = field(default_factory=Traffic)
    began: float = field(default_factory=monotonic)
    """The value of `monotonic` when the service began."""


NOTHING_MEASURED = Measured()
"""The numbers that operations see which no service carries out."""
