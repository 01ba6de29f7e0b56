"""The addresses of clients, also behind proxies that are named in the settings."""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Network = IPv4Network | IPv6Network

MOST_HOPS = 10
"""Addresses of `X-Forwarded-For` that are read, from the last one on."""

LONGEST = 1_000
"""Characters of `X-Forwarded-For` that are read, from the last one on."""

UNKNOWN = "unknown"
"""The address of clients that have none, such as those of a unix socket."""


def network_of(text: str) -> Network:
    """Return the network of an address or a network; raise `ValueError`, whose message says what to write."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ValueError("write an address such as 10.0.0.5, or a network such as 10.0.0.0/8") from None


class Addresses:
    """The addresses from which requests come, as far as they can be trusted.

    The header `X-Forwarded-For` is read only if the connection comes from a trusted proxy. Each proxy appends
    the address of its client, so the last one that is not a trusted proxy is the client's.
    """

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def of(self, peer: str | None, forwarded: bytes | None) -> str:
        """Return the client's address, from the connection's other end and `X-Forwarded-For`."""
        address = _address(peer or "")
        if address is None:
            return UNKNOWN
        hops = (forwarded or b"")[-LONGEST:].decode("latin-1").split(",")[-MOST_HOPS:]
        while self._is_trusted(address) and hops and (before := _address(hops.pop().strip())):
            address = before
        return _named(address)

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted if network.version == address.version)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in a text, which may have a port; `None` if there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _named(address: IPv4Address | IPv6Address) -> str:
    """Return the name under which an address is counted; a client has a whole /64 of IPv6."""
    return str(address) if address.version == 4 else str(ip_network((address, 64), strict=False))
