"""The check of the `Host` header, which protects the service against DNS rebinding.

A page loaded from http://evil.example may afterwards make that name resolve to 127.0.0.1. The browser then
takes the service for the same origin, and only the `Host` header shows that the request is foreign.
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
"""Characters of the longest `Host` header that is examined; a name has at most 253."""


def host_of(text: str) -> str:
    """Return the host in `text` in lower case, without final dot, and IP addresses in canonical form.

    Raise `ValueError`, whose message says what is wrong and what to write instead.
    """
    if text == ALL:
        return text
    if "*" in text:
        raise ValueError("a host can't contain a wildcard: list each host, or allow all with a single *")
    if "/" in text:
        named = urlsplit(text if "//" in text else f"//{text}").hostname
        raise ValueError(f"a host has no scheme and no path: write {named or 'the name alone'}")
    if not text.isascii():
        raise ValueError("browsers send a host in ASCII: write that form, which begins with xn--")
    bare = text.lower().removesuffix(".")
    if address := _address(bare.removeprefix("[").removesuffix("]")):
        return address
    name, colon, port = bare.rpartition(":")
    if colon and port.isdigit():
        raise ValueError(f"a host is allowed on every port: write {name}")
    if not _NAME.fullmatch(bare):
        raise ValueError("it is not a host name or IP address: write it like shop.example or 192.168.1.5")
    return bare


class Hosts:
    """The hosts that the service answers for: loopback, the address it listens on, and the allowed hosts."""

    def __init__(self, listening: str, allowed: Sequence[str] = ()) -> None:
        own = listening.lower().removesuffix(".")
        self._allowed = {*allowed, _address(own) or own}
        # DNS rebinding needs a name, so every address is allowed if the service listens on all of them.
        self._every_address = bool(_address(own)) and ip_address(own).is_unspecified
        self._refusal = lru_cache(100)(self._look)

    def refusal(self, headers: Iterable[tuple[bytes, bytes]], http_version: str) -> tuple[int, str] | None:
        """Return the HTTP status and message to refuse a request with, or `None` to serve it."""
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            if not hosts and http_version == "1.0":
                return None  # HTTP/1.0 has no Host header, and no browser uses it.
            return 400, f"The request has {len(hosts) or 'no'} Host headers. Send one."
        if len(hosts[0]) > _LONGEST:
            return 400, f"The Host header has {len(hosts[0])} characters. Send at most {_LONGEST}."
        return self._refusal(hosts[0])

    def serves(self, host: bytes) -> bool:
        """Return whether a request with this one `Host` is for this service."""
        return len(host) <= _LONGEST and self._refusal(host) is None

    def _look(self, sent: bytes) -> tuple[int, str] | None:
        text = sent.decode("latin-1").lower()
        found = _AUTHORITY.fullmatch(text)
        if not found:
            return (
                400,
                f'"{text}" is not a host. Send a name or an address, and the port, as the Host header.',
            )
        bare = found[1].removesuffix(".").removeprefix("[").removesuffix("]")
        address = _address(bare)
        if found[1].startswith("[") and not address:
            return 400, f'"{text}" is not a host: the text in brackets is no IPv6 address. Send one there.'
        if ALL in self._allowed or (address or bare) in self._allowed or (address and self._every_address):
            return None
        if ip_address(address).is_loopback if address else bare == "localhost" or bare.endswith(".localhost"):
            return None
        return 403, f"The host {bare} is not served here. Add it to ALLOWED_HOSTS, or use localhost."


def _address(text: str) -> str:
    """Return an IP address in canonical form, or an empty text if it is not one."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return str((isinstance(address, IPv6Address) and address.ipv4_mapped) or address)
