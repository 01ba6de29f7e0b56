"""Hosts that the service answers for, so that no page of elsewhere reaches it under a name of its own.

A page at http://evil.example may have its name lead to 127.0.0.1 once it is loaded (DNS rebinding). To the
browser all that it asks then is of the same origin; only the `Host` that it sends tells.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

ALL = "*"

_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?", re.ASCII)
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{0,5})?", re.ASCII)

_LONGEST = 300
"""Characters of a `Host`: a name has at most 253."""


def host_of(text: str) -> str:
    """Return the host that `text` allows, as it is compared: lower case, no final dot, addresses in one form.

    Raises `ValueError`, whose message says what is wrong and what to write instead.
    """
    if text == ALL:
        return text
    if "*" in text:
        raise ValueError("a host can't contain a wildcard: list each host, or allow all with a single *")
    if "/" in text:
        named = urlsplit(text if "//" in text else f"//{text}").hostname
        raise ValueError(f"a host has no scheme and no path: write {named or 'the name alone'}")
    if not text.isascii():
        raise ValueError("browsers send the host's ASCII form (xn--…): write that")
    bare = text.lower().removesuffix(".")
    if address := _address(bare.removeprefix("[").removesuffix("]")):
        return address
    name, colon, port = bare.rpartition(":")
    if colon and port.isdigit():
        raise ValueError(f"a host is allowed on every port: write {name}")
    if not _NAME.fullmatch(bare):
        raise ValueError("it is no name of a host and no address: write it like shop.example or 192.168.1.5")
    return bare


class Hosts:
    """Loopback's names, the address that is listened on, and the hosts that are allowed beside them."""

    def __init__(self, listening: str, allowed: Sequence[str] = ()) -> None:
        own = listening.lower().removesuffix(".")
        self._allowed = {*allowed, _address(own) or own}
        # An address in the place of a name can't be made to lead elsewhere.
        self._every_address = bool(_address(own)) and ip_address(own).is_unspecified
        self._refusal = lru_cache(100)(self._look)

    def refusal(self, headers: Iterable[tuple[bytes, bytes]], http_version: str) -> tuple[int, str] | None:
        """Return the status and the text to refuse a request with that is not meant for this service."""
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            if not hosts and http_version == "1.0":
                return None  # It knows no Host, and no browser speaks it.
            return 400, f"Send one Host header; this request has {len(hosts) or 'none'}."
        if len(hosts[0]) > _LONGEST:
            return 400, f"The Host header has more than {_LONGEST} characters."
        return self._refusal(hosts[0])

    def serves(self, host: bytes) -> bool:
        """Return whether a request with this one `Host` is for this service."""
        return len(host) <= _LONGEST and self._refusal(host) is None

    def _look(self, sent: bytes) -> tuple[int, str] | None:
        text = sent.decode("latin-1").lower()
        found = _AUTHORITY.fullmatch(text)
        if not found:
            return 400, f'"{text}" is no host. Send the Host header as the name or the address, and the port.'
        bare = found[1].removesuffix(".").removeprefix("[").removesuffix("]")
        address = _address(bare)
        if found[1].startswith("[") and not address:
            return 400, f'"{text}" is no host: between brackets stands an IPv6 address.'
        if ALL in self._allowed or (address or bare) in self._allowed or (address and self._every_address):
            return None
        if ip_address(address).is_loopback if address else bare == "localhost" or bare.endswith(".localhost"):
            return None
        return 403, f"The host {bare} is not served here. Allow it with ALLOWED_HOSTS, or ask for localhost."


def _address(text: str) -> str:
    """Return an IP address in its one form; an empty text for what is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return str((isinstance(address, IPv6Address) and address.ipv4_mapped) or address)
